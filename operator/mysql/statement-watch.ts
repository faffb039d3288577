/**
 * Tells a statement that takes its time from one whose answer will never come. A large SELECT may say nothing for an hour,
 * and so does a connection that a firewall forgot: the server knows which. In: a session that is about to ask. Out: a
 * question to the server, over a connection of its own.
 */
import { SyncError } from '../base/errors.js';
import { type MySqlSettings, openSession } from './connect.js';
import type { Session } from './session.js';

/** Whether the server is at work on the statement of the session. */
export type IsAtWork = () => Promise<boolean>;

export async function watchStatement(settings: MySqlSettings, session: Session): Promise<IsAtWork> {
  const id = await session.value('SELECT CONNECTION_ID()');
  const { patience: _, ...impatient } = settings;
  return async () => {
    try {
      await using helper = await openSession(impatient);
      // All accounts see their own threads. `Id, User, Host, db, Command, ...` on every server.
      const rows = await helper.query('SHOW PROCESSLIST', { timeoutMs: answerMsMax });
      const command = rows.find((row) => row[0] === id)?.[4] ?? 'gone';
      return command !== 'Sleep' && command !== 'gone';
    } catch (error) {
      if (error instanceof SyncError) return error.code !== 'SOURCE_UNREACHABLE';
      throw error;
    }
  };
}

const answerMsMax = 20_000;
