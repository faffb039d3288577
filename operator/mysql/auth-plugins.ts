/**
 * Log-in for a server whose certificate was not verified: whoever answers may be another. A scrambled answer to a
 * challenge is all it gets; a password in the clear, or encrypted by a key that this very server sent, it does not.
 */
import { type AuthPlugin, authPlugins } from 'mysql2';
import { serverUnverifiedCode } from './server-error.js';

/** First byte of a packet by which mysql2 asks the server for its RSA key (caching_sha2_password). */
const requestServerKey = 2;

export function pluginsForUnverifiedServer(): Record<string, AuthPlugin> {
  return {
    caching_sha2_password: (metadata) => {
      const next = authPlugins.caching_sha2_password({ overrideIsSecure: false })(metadata);
      return (data) => {
        // Full authentication, where the server does not have the account in its cache.
        const answer = next(data);
        if (answer instanceof Uint8Array && answer.length === 1 && answer[0] === requestServerKey) {
          throw unverified('caching_sha2_password');
        }
        return answer;
      };
    },
    // Knows no way without the whole password.
    sha256_password: () => () => {
      throw unverified('sha256_password');
    },
  };
}

function unverified(plugin: string): Error {
  const error = new Error(`the server wants the whole password (${plugin}), and it was not verified`);
  return Object.assign(error, { code: serverUnverifiedCode });
}
