/** The emulator's admin API, for suites whose emulator is a process of its own. */
import type { FaultSettings } from '../../operator/emulator/faults/control.js';
import type { Fault } from '../../operator/emulator/faults/fault.js';
import type { ListedFault } from '../../operator/emulator/faults/fault-book.js';
import { accessKey } from './world.js';

export interface FaultApi {
  add(faults: readonly Fault[]): Promise<readonly string[]>;
  list(): Promise<readonly ListedFault[]>;
  clear(): Promise<void>;
  set(settings: Partial<FaultSettings>): Promise<void>;
}

/** Restarts that a fault asks for close the port for a moment. */
const patienceMs = 20_000;

export function faultApi(endpoint: string): FaultApi {
  const base = endpoint.replace(/\/api$/, '/mcsync');
  const authorization = `Basic ${Buffer.from(`${accessKey.id}:${accessKey.secret}`).toString('base64')}`;
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const untilMs = Date.now() + patienceMs;
    for (;;) {
      try {
        const answer = await fetch(`${base}/${path}`, {
          method,
          headers: { authorization },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const json = (await answer.json()) as Record<string, unknown>;
        if (answer.ok) return json;
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(json)}`);
      } catch (error) {
        // By name: fetch comes from another realm than the tests.
        if ((error as Error).name !== 'TypeError' || Date.now() > untilMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  return {
    add: async (faults) => (await call('POST', 'faults', faults)).ids as string[],
    list: async () => (await call('GET', 'faults')).faults as ListedFault[],
    clear: async () => void (await call('DELETE', 'faults')),
    set: async (settings) => void (await call('PUT', 'settings', settings)),
  };
}
