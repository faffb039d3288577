import { SyncError } from '../base/errors.js';

/** A file system error of the state folder as a coded error; anything else passes unchanged. */
export function storeError(dir: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (error instanceof SyncError || typeof code !== 'string') return error;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SyncError('STORE_UNAVAILABLE', {
        seen: `disk full: the state folder ${dir} takes no more bytes (${code})`,
        wanted: 'room for a few documents of up to 64 KiB',
        fix: `Free space on the disk that holds ${dir}. Nothing was lost: the last saved checkpoint stands.`,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SyncError('STORE_READ_ONLY', {
        seen: `the state folder ${dir} refuses reading or writing (${code})`,
        wanted: 'a folder that this user may read and write',
        fix: `Give this user the folder (chown, chmod u+rwx), or name another one with --state.`,
        cause: error,
      });
    case 'EEXIST':
    case 'ENOTDIR':
      return new SyncError('STORE_READ_ONLY', {
        seen: `${dir}, or a part of its path, is a file`,
        wanted: 'a folder',
        fix: 'Name another folder with --state.',
        cause: error,
      });
    default:
      return new SyncError('STORE_UNAVAILABLE', {
        seen: `the state folder ${dir} cannot be used just now (${code})`,
        wanted: 'a folder that can be read and written',
        fix: 'Look at the disk that holds the folder; mcsync tries again.',
        cause: error,
      });
  }
}
