import './csp.ts';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './global.css';

// Fetched after csp.ts has run: what chunks share is evaluated before the module that imports them.
void import('./boot.tsx');
