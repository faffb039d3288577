/** What a process says by ending: the same for the command line, for worker processes and for pods. */
export const exitCodes = {
  done: 0,
  bug: 1,
  precheckFailed: 2,
  badInput: 64,
  positionLost: 65,
  credentialsRejected: 66,
  incompatibleChange: 67,
  anotherWriter: 68,
  sourceIdentityChanged: 69,
  tryAgainLater: 75,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
