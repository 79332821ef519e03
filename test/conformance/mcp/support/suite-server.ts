import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import {
  type CallToolResult,
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListToolsRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** What the official suite calls, on the official SDK: most of its scenarios pass against it, so that a difference shows. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const embedded = {
  uri: 'test://embedded-resource',
  mimeType: 'text/plain',
  text: 'This is an embedded resource content.',
};

const server = new McpServer(
  { name: 'suite', version: '1.0.0' },
  { capabilities: { logging: {}, resources: { subscribe: true }, completions: {} } },
);
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

type Content = CallToolResult['content'];
const simple = (name: string, content: Content) =>
  server.registerTool(name, { description: `Tests ${name}` }, async () => ({ content }));
simple('test_simple_text', [{ type: 'text', text: 'This is a simple text response for testing.' }]);
simple('test_reconnection', [{ type: 'text', text: 'Reconnection test' }]);
simple('test_image_content', [{ type: 'image', data: PNG, mimeType: 'image/png' }]);
simple('test_audio_content', [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]);
simple('test_embedded_resource', [{ type: 'resource', resource: embedded }]);
simple('test_multiple_content_types', [
  { type: 'text', text: 'Multiple content types test:' },
  { type: 'image', data: PNG, mimeType: 'image/png' },
  {
    type: 'resource',
    resource: {
      uri: 'test://mixed-content-resource',
      mimeType: 'application/json',
      text: '{"test":"data","value":123}',
    },
  },
]);
server.registerTool('test_error_handling', { description: 'Always fails' }, async () => {
  throw new Error('This tool intentionally returns an error for testing');
});
server.registerTool('test_tool_with_logging', { description: 'Logs' }, async (extra) => {
  for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
    await pause();
  }
  return text('Tool with logging executed successfully');
});
server.registerTool('test_tool_with_progress', { description: 'Tells of progress' }, async (extra) => {
  const progressToken = extra._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progressToken !== undefined) {
      const params = { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` };
      await extra.sendNotification({ method: 'notifications/progress', params });
    }
    await pause();
  }
  return text(String(progressToken));
});
server.registerTool(
  'test_sampling',
  { description: 'Samples', inputSchema: { prompt: z.string() } },
  async ({ prompt }, extra) => {
    const params = {
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }],
      maxTokens: 100,
    };
    const { content } = await extra.sendRequest(
      { method: 'sampling/createMessage', params },
      CreateMessageResultSchema,
    );
    return text(`LLM response: ${JSON.stringify(content)}`);
  },
);

const elicits = (name: string, inputSchema: Record<string, z.ZodType>, schema: object) =>
  server.registerTool(name, { description: 'Elicits', inputSchema }, async (args, extra) => {
    const message = String((args as { message?: string }).message ?? 'Please fill this in');
    const params = { message, requestedSchema: schema as never };
    const answer = await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
    return text(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`);
  });
elicits(
  'test_elicitation',
  { message: z.string() },
  { type: 'object', properties: { response: { type: 'string', description: 'answer' } }, required: ['response'] },
);
elicits(
  'test_elicitation_sep1034_defaults',
  {},
  {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
    required: [],
  },
);
const options = ['option1', 'option2', 'option3'];
const titled = ['value1', 'value2', 'value3'].map((value, i) => ({
  const: value,
  title: ['First', 'Second', 'Third'][i],
}));
elicits(
  'test_elicitation_sep1330_enums',
  {},
  {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled },
      legacyEnum: { type: 'string', enum: options, enumNames: ['One', 'Two', 'Three'] },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    },
    required: [],
  },
);

server.registerResource('static', 'test://static-text', { mimeType: 'text/plain' }, async ({ href }) => ({
  contents: [{ uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
}));
server.registerResource('binary', 'test://static-binary', { mimeType: 'image/png' }, async ({ href }) => ({
  contents: [{ uri: href, mimeType: 'image/png', blob: PNG }],
}));
server.registerResource(
  'template',
  new ResourceTemplate('test://template/{id}/data', { list: undefined }),
  { mimeType: 'application/json' },
  async ({ href }, { id }) => ({
    contents: [
      {
        uri: href,
        mimeType: 'application/json',
        text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
      },
    ],
  }),
);
server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));

const said = (words: string) => ({ role: 'user' as const, content: { type: 'text' as const, text: words } });
server.registerPrompt('test_simple_prompt', { description: 'Simple' }, () => ({
  messages: [said('This is a simple prompt for testing.')],
}));
server.registerPrompt(
  'test_prompt_with_arguments',
  {
    description: 'With arguments',
    argsSchema: { arg1: completable(z.string(), () => ['paris', 'park', 'party']), arg2: z.string() },
  },
  ({ arg1, arg2 }) => ({ messages: [said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
);
server.registerPrompt(
  'test_prompt_with_embedded_resource',
  { description: 'With a resource', argsSchema: { resourceUri: z.string() } },
  ({ resourceUri }) => ({
    messages: [
      { role: 'user', content: { type: 'resource', resource: { ...embedded, uri: resourceUri } } },
      said('Please process the embedded resource above.'),
    ],
  }),
);
server.registerPrompt('test_prompt_with_image', { description: 'With an image' }, () => ({
  messages: [
    { role: 'user', content: { type: 'image', data: PNG, mimeType: 'image/png' } },
    said('Please analyze the image above.'),
  ],
}));

// Its schema is one that zod does not write.
const { tools } = (await listed()) as { tools: object[] };
server.server.setRequestHandler(ListToolsRequestSchema, () => ({
  tools: [
    ...(tools as never[]),
    {
      name: 'json_schema_2020_12_tool',
      description: 'Tool with JSON Schema 2020-12 features',
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object' as const,
        $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
        properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
        additionalProperties: false,
      },
    },
  ],
}));

/** What the SDK itself would list. */
function listed(): unknown {
  const handlers = (
    server.server as unknown as { _requestHandlers: Map<string, (request: object, extra: object) => unknown> }
  )._requestHandlers;
  return handlers.get('tools/list')!({ method: 'tools/list' }, {});
}

await server.connect(new StdioServerTransport());
