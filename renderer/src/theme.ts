import { createTheme, type MantineColorsTuple, Modal } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#eef3ff',
  '#dce5fa',
  '#b6c8f1',
  '#8da9e8',
  '#6b8fe0',
  '#557fdc',
  '#4072d0',
  '#3560b8',
  '#2b4f9c',
  '#1f3f82',
];

const dark: MantineColorsTuple = [
  '#dfe3ea',
  '#b9c0cc',
  '#8f98a8',
  '#667082',
  '#3f4757',
  '#323947',
  '#232934',
  '#181d26',
  '#131720',
  '#0d1017',
];

/** Plain, a little paper-like; the verdicts' colours always stand beside a word and a shape. */
export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 8, dark: 6 },
  colors: { ink, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  defaultRadius: 'md',
  respectReducedMotion: true,
  cursorType: 'pointer',
  autoContrast: true,
  focusRing: 'auto',
  components: {
    // Its header element would be another banner of the page.
    Modal: Modal.extend({ defaultProps: { attributes: { header: { role: 'presentation' } } } }),
  },
});
