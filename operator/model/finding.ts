/** One result of the precheck, for a person: what was seen, what was wanted, and the statement or setting that mends it. */
export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  /** What it is about: a table `shop.orders`, a column `shop.orders.price`, a variable, an account, a target table. */
  readonly subject: string;
  readonly seen: string;
  readonly wanted: string;
  /** Can be pasted as it stands wherever a statement helps. */
  readonly fix: string;
  /** The error is listed in `precheck.ignoreCodes`, or the policy is not to enforce. */
  readonly ignored?: boolean;
}
