import { testSigner } from '../format/test-keys.ts';
import { COSIGNATURE } from '../format/vkey.ts';
import { serveWitness } from './server.ts';
import { WitnessState } from './state.ts';
import { Witness } from './witness.ts';

/** A witness that is killed after it has persisted a head and before it answers. */
const [, , file] = process.argv as [string, string, string];
const signer = testSigner('witness.example/w1', 'w1', COSIGNATURE);
const witness = new Witness({
  signer: {
    ...signer,
    sign: () => {
      process.kill(process.pid, 'SIGKILL');
      return new Uint8Array(64);
    },
  },
  state: new WitnessState(file, false),
  clock: { now: () => 0 },
  trust: () => null,
});
const unexpected = (error: unknown) => console.error(error);
const { port } = await serveWitness({ witness, host: '127.0.0.1', port: 0, tls: null, unexpected });
console.log(port);
