/** What runs as the developer loads it from here, in the package as one file. */
export { keepFor } from './keep.ts';
export { lookAt } from './look.ts';
