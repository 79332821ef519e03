import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import type { Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';

const REMOVES =
  /^(delete|destroy|remove|rm|rb|terminate|purge|deregister|drop|wipe|uninstall|rollback|prune|purge-queue|schedule-key-deletion|empty|cancel|stop|reset)(-|$)/;
const SHOWS =
  /^(get|list|describe|show|ls|head|lookup|search|view|status|version|help|info|wait|batch-get|scan|query|estimate|validate|test)(-|$)/;
const SECRETS =
  /secret|password|get-login|get-session-token|assume-role|access-key|print-access-token|print-identity-token|get-parameter|decrypt|credential|auth-token|access-token|keys|export-credentials/;
const RIGHTS =
  /^(iam|sts|organizations|kms|role|policy|projects?|auth|login|logout|configure|config|ad|acl|cognito-idp)$|policy|role|permission|add-iam|grant/;
const RUNS =
  /^(ssm|ssh|exec|run|invoke|lambda|deploy|cloud-shell|run-command|run-instances|functions|builds|ecs)$|execute|invoke|start-session|send-command|run-|create-function/;

/** Programs that act on clusters, clouds and containers. */
export const CLOUD: readonly Row[] = [
  {
    names: 'kubectl oc k kubecolor',
    class: 'network',
    says: 'Acts on a Kubernetes cluster',
    values:
      '-n -f -o -l -c -k --namespace --filename --output --selector --container --context --cluster --kubeconfig --server --token --as --user --kustomize --field-selector --raw --image --tail --since',
    reads: '-f --filename -k --kustomize --kubeconfig',
    only: 'get|describe|logs|explain|version|cluster-info|api-resources|api-versions|top|diff|wait|auth can-i|config view|config get-contexts|config current-context|rollout status|rollout history|events|completion',
    worse: [
      { when: 'delete|drain|rollout undo|replace', class: 'destructive', says: 'Deletes or evicts {} in the cluster' },
      {
        when: 'apply|create|edit|patch|scale|autoscale|label|annotate|set|expose|rollout restart|rollout pause|rollout resume|cordon|uncordon|taint',
        class: 'write',
        says: 'Changes {} in the cluster',
      },
      { when: 'exec|run|debug|attach|cp', class: 'unknown', says: 'what runs in the cluster is not followed' },
      { when: 'port-forward|proxy', class: 'network', says: 'Opens a way into the cluster', flags: 'listener' },
      {
        when: 'config set|config set-context|config use-context|config set-credentials|config set-cluster|config unset|config delete-context|certificate approve|auth reconcile|create token|create rolebinding|create clusterrolebinding|create role|create clusterrole',
        class: 'privilege',
        says: 'Changes which cluster is used or who may use it',
      },
      {
        when: '--as --as-group --token --server -s --kubeconfig',
        class: 'privilege',
        says: 'Uses another identity or cluster',
      },
      { when: '--raw', class: 'unknown', says: 'a raw request is not followed' },
    ],
    does: (call, { operands, options }) => {
      if (
        operands.some(({ text }) => /^secrets?($|\/)|,secrets?\b|^all$/.test(text ?? '')) &&
        operands[0]?.text !== 'delete'
      )
        call.effects.worsen('secret-read', 'Shows secrets of the cluster');
      if (operands[0]?.text === 'config' && options.some(({ name }) => name === '--raw'))
        call.effects.worsen('secret-read', 'Shows the credentials of the cluster');
      for (const { name, value } of options)
        if (/^(-f|--filename)$/.test(name) && value?.text?.includes('://')) {
          call.host(value);
          call.effects.flag('remote-code');
        }
      if (operands.some(({ text }) => text === 'get') && operands.some(({ text }) => text?.includes('secret')))
        call.effects.worsen('secret-read');
      return PRINTS;
    },
  },
  {
    names: 'helm helmfile',
    class: 'network',
    says: 'Acts on what is installed in a cluster',
    values: '-n -f --namespace --values --set --set-string --version --kubeconfig --kube-context --post-renderer -o',
    reads: '-f --values',
    only: 'list|ls|status|history|show|search|template|lint|version|env|repo list|get notes|get manifest|dependency list|verify',
    worse: [
      { when: 'uninstall|delete|del|un|rollback|destroy', class: 'destructive', says: 'Removes {} from the cluster' },
      { when: 'install|upgrade|apply|sync', class: 'execute', says: 'Installs {} in the cluster', flags: 'installs' },
      {
        when: 'repo add|repo remove|repo update|registry login|pull|push|dependency update|dependency build|package',
        class: 'write',
        says: 'Changes where charts come from, or what is there',
      },
      { when: 'plugin|--post-renderer', class: 'unknown', says: 'what the plugin runs is not followed' },
      { when: '--post-renderer', class: 'unknown', says: 'a program is run on the result' },
      {
        when: 'get values|get all',
        class: 'secret-read',
        says: 'Shows the values that were installed, which can hold secrets',
      },
    ],
  },
  {
    names: 'terraform tofu terragrunt',
    class: 'network',
    says: 'Acts on infrastructure',
    single: true,
    values: '-out -target',
    writes: '-out',
    only: 'fmt|validate|version|show|output|providers|graph|state list|state show|workspace list|workspace show|-help',
    worse: [
      { when: 'destroy', class: 'destructive', says: 'Destroys all infrastructure that Terraform made' },
      { when: 'apply', class: 'destructive', says: 'Changes, makes and destroys infrastructure' },
      { when: '-destroy', class: 'destructive', says: 'Plans or makes the destruction of infrastructure' },
      {
        when: 'state rm|state mv|state push|state replace-provider|taint|untaint|force-unlock|workspace delete|import',
        class: 'destructive',
        says: 'Changes what Terraform knows of the infrastructure',
      },
      {
        when: 'init|plan|refresh|test|get|workspace new|workspace select',
        class: 'execute',
        says: 'Runs the code of providers and modules',
        flags: 'installs',
      },
      { when: 'console|login|logout|run-all', class: 'unknown', says: 'what it evaluates is not followed' },
      { when: 'output|show|state pull|state show', class: 'secret-read', says: 'Shows state, which can hold secrets' },
    ],
    does: (call, parsed) => {
      if (parsed.options.some(({ name }) => name === '-chdir')) call.cd(null);
      return PRINTS;
    },
  },
  {
    names:
      'aws gcloud az gsutil s3cmd s5cmd doctl flyctl fly heroku vercel netlify wrangler firebase eksctl ibmcloud oci linode-cli hcloud railway supabase pulumi cdk sam serverless sls amplify',
    class: 'network',
    says: 'Acts on a cloud',
    values:
      '--region --profile --output --query --project --zone --bucket --name -g --resource-group --subscription --format --account --endpoint-url --filter --filters --function-name --instance-ids --cli-input-json -p -o -n',
    does: cloud,
  },
  {
    names: 'docker podman nerdctl',
    class: 'privilege',
    values: '-H -c --host --context --config -l --log-level',
    stops: true,
    says: 'Acts on containers, which can reach the whole computer',
    flags: 'container',
    does: docker,
  },
  {
    names: 'docker-compose podman-compose',
    class: 'privilege',
    says: 'Acts on containers, which can reach the whole computer',
    flags: 'container',
    values: '-f -p --file --project-name --env-file',
    stops: true,
    does: (call, parsed) => {
      compose(
        call,
        parsed.operands.map((word) => word.text),
      );
      return PRINTS;
    },
  },
  {
    names:
      'ansible ansible-playbook vagrant packer salt puppet chef-client nix nix-env nix-shell skaffold tilt minikube kind k3d k9s argocd flux istioctl linkerd consul nomad',
    class: 'execute',
    says: 'Changes machines or clusters',
    does: ({ effects, name, args }) => {
      effects.unknown(`what ${name} does is not followed`);
      if (args.some(({ text }) => REMOVES.test(text ?? '')))
        effects.worsen('destructive', 'Removes machines or clusters');
      return PRINTS;
    },
  },
  {
    names: 'vault op bw pass lpass doppler infisical sops security secret-tool keyring chamber aws-vault kwallet-query',
    class: 'secret-read',
    says: 'Uses a store of secrets',
    does: ({ effects, name, args }) => {
      if (
        args.some(({ text }) =>
          /^(put|write|delete|rm|set|insert|edit|create|add|clear|import|enable|disable|policy|token|lock|unlock)/.test(
            text ?? '',
          ),
        ) ||
        /add-|delete-|set-/.test(args[0]?.text ?? '')
      )
        effects.worsen('privilege', 'Changes a store of secrets');
      if (args.some(({ text }) => /^(exec|run|exec-env|exec-file|-c)$/.test(text ?? '')))
        effects.unknown(`what ${name} runs is not followed`);
      return PRINTS;
    },
  },
];

function cloud(call: Call, parsed: Parsed) {
  const { effects } = call;
  const words = parsed.operands.map(({ text }) => text ?? '');
  if (words.length === 0) {
    if (!hasOption(parsed, '--version --help -h -v version')) effects.unknown(`what ${call.name} does is not known`);
    return PRINTS;
  }
  const verbs = words.slice(0, 4).filter((word) => !word.includes('/'));
  if (verbs.some((word) => REMOVES.test(word)))
    effects.worsen('destructive', `Deletes or stops ${words.slice(0, 5).join(' ')}`);
  if (words.some((word) => SECRETS.test(word))) effects.worsen('secret-read', 'Shows or makes credentials');
  const shows = verbs.some((word) => SHOWS.test(word));
  if (!shows && verbs.some((word) => RIGHTS.test(word)))
    effects.worsen('privilege', 'Changes who may use the cloud, or as whom');
  if (!shows && verbs.some((word) => RUNS.test(word))) effects.worsen('execute', 'Runs code in the cloud');
  if (hasOption(parsed, '--delete --endpoint-url --no-verify-ssl --force --quiet -f --cli-input-json'))
    effects.worsen('destructive', 'May delete, or speaks to another endpoint');
  const copies = /^(s3|storage|gsutil|s3cmd|s5cmd)$/.test(words[0] ?? '') || /^(gsutil|s3cmd|s5cmd)$/.test(call.name);
  if (copies && verbs.some((word) => /^(cp|sync|mv|rsync|put)$/.test(word))) {
    effects.worsen('write', 'Copies files into or out of the cloud');
    const files = parsed.operands.slice(
      parsed.operands.findIndex(({ text }) => /^(cp|sync|mv|rsync|put)$/.test(text ?? '')) + 1,
    );
    for (const word of files) {
      if (word.text?.includes('://')) call.effects.list('hosts', word.text);
      else if (word === files.at(-1)) call.write(word);
      else call.read(word, true);
    }
    if (files.at(-1)?.text?.includes('://')) effects.flag('upload');
  } else if (!shows && verbs.every((word) => !REMOVES.test(word))) {
    effects.unknown(`what ${call.name} ${words.slice(0, 3).join(' ')} changes is not known`);
  }
  for (const word of call.args) {
    const file = /^(?:fileb?:\/\/)(.+)$/.exec(word.text ?? '')?.[1];
    if (file !== undefined) call.read({ ...word, text: file });
  }
  return PRINTS;
}

function docker(call: Call, parsed: Parsed) {
  const { effects } = call;
  const words = parsed.operands.map(({ text }) => text);
  const [first, second] = words;
  const sub =
    /^(container|image|volume|network|system|builder|context|buildx|plugin|secret|stack|service|node|swarm|manifest|config)$/.test(
      first ?? '',
    )
      ? second
      : first;
  if (parsed.options.some(({ name }) => /^(-H|--host|-c|--context)$/.test(name)))
    effects.worsen('network', 'Acts on another machine’s containers');
  if (first === 'compose') compose(call, words.slice(1));
  else if (/^(rm|rmi|prune|kill|stop|down|leave|remove|delete)$/.test(sub ?? ''))
    effects.worsen('destructive', `Removes or stops containers, images or volumes (${words.slice(0, 4).join(' ')})`);
  else if (
    /^(run|exec|create|build|start|restart|bake|attach|update|load|import|commit|install|deploy)$/.test(sub ?? '')
  ) {
    effects.worsen('execute', 'Runs code in a container');
    effects.unknown('what runs in the container is not followed');
    if (sub === 'build')
      call.script({ text: 'Dockerfile', glob: false, prefix: '', splits: false, source: 'Dockerfile' });
    mounts(call);
  } else if (/^(pull|push|login|logout|search|save|cp|tag|export)$/.test(sub ?? '')) {
    effects.worsen(sub === 'tag' ? 'write' : 'network', `Moves images or files (${sub})`);
    if (sub === 'push') effects.flag('upload');
    if (sub === 'cp')
      for (const word of parsed.operands.slice(1))
        if (word.text?.includes(':') === false) {
          call.read(word, true);
          call.write(word);
        }
  } else if (
    !/^(ps|images|logs|inspect|version|info|ls|stats|top|port|diff|history|events|df|list|show|help)$/.test(sub ?? '')
  ) {
    if (sub !== undefined || !hasOption(parsed, '--version -v --help'))
      effects.unknown(`what ${call.name} ${sub ?? ''} does is not known`);
  }
  return PRINTS;
}

function mounts(call: Call): void {
  const { effects, args } = call;
  args.forEach((word, i) => {
    const text = word.text ?? '';
    const volume = /^(-v|--volume|--mount)$/.test(text)
      ? args[i + 1]?.text
      : /^(?:-v|--volume=|--mount=)(.+)$/.exec(text)?.[1];
    const source =
      volume == null ? undefined : (/(?:^|,)(?:source|src)=([^,]+)/.exec(volume)?.[1] ?? /^([^:]+):/.exec(volume)?.[1]);
    if (source !== undefined && /^[/.~]/.test(source)) {
      call.read({ ...word, text: source, source }, true);
      call.write({ ...word, text: source, source });
    }
    if (/^--(privileged|cap-add|security-opt|device|pid|net(work)?|ipc|userns|volumes-from)/.test(text)) {
      effects.worsen('privilege', `Gives the container rights on this computer (${text})`);
      effects.flag('elevated');
    }
    if (text === '-p' || text.startsWith('--publish') || text === '-P') effects.flag('listener');
    if (text === '--env-file' && args[i + 1]) call.read(args[i + 1]!);
  });
}

function compose(call: Call, words: readonly (string | null)[]): void {
  const { effects } = call;
  const sub = words.find((word) => word !== null && !word.startsWith('-')) ?? '';
  if (/^(down|rm|kill|stop)$/.test(sub))
    effects.worsen(
      'destructive',
      `Stops and removes containers${words.some((word) => /^(-v|--volumes)$/.test(word ?? '')) ? ' and their volumes' : ''}`,
    );
  else if (!/^(ps|logs|config|images|ls|top|version|port|events)$/.test(sub)) {
    effects.worsen('execute', 'Runs code in containers');
    effects.unknown('what runs in the containers is not followed');
    effects.list('scripts', call.path('docker-compose.yml'));
  }
}
