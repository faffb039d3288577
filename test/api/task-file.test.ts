import { parseTaskFile, renderFault, taskFaults } from '../../operator/api/task-file.js';
import { renderError, SyncError } from '../../operator/base/errors.js';

const good = `apiVersion: mcsync.dev/v1alpha1
kind: SyncTask
metadata:
  name: shop
spec:
  source:
    host: mysql.example.com
    port: 3306
    credentials: {secretRef: {name: shop-mysql}}
  target:
    endpoint: https://service.example.com/api
    project: warehouse
    credentials: {secretRef: {name: warehouse-key}}
  objects:
  - database: shop
    tables: [orders, "order_*"]
`;

const secret = `---
apiVersion: v1
kind: Secret
metadata: {name: shop-mysql}
stringData: {username: sync, password: hunter2}
`;

const faultsOf = (text: string): string[] => taskFaults(text).map((fault) => renderFault('task.yaml', fault));

/** A place in the good file, what stands there instead, and all that is said about it. */
const wrong: [string, string, ...string[]][] = [
  [
    'port: 3306',
    'prot: 3306',
    'task.yaml:8 spec.source.prot: unknown key; did you mean port? Allowed: host, port, serverId, credentials, tls',
  ],
  ['port: 3306', 'port: 70000', 'task.yaml:8 spec.source.port: seen 70000; wanted: a whole number from 1 to 65535'],
  ['port: 3306', 'port: "3306"', 'task.yaml:8 spec.source.port: seen "3306"; wanted: a number'],
  ['port: 3306', 'port: 3306\n    port: 3307', 'task.yaml:9 spec.source.port: the same key stands at line 8 already'],
  [
    'port: 3306',
    'tls: {mode: verifyidentity}',
    'task.yaml:8 spec.source.tls.mode: seen "verifyidentity"; did you mean VerifyIdentity? wanted: one of Disabled, Preferred, Required, VerifyCA, VerifyIdentity',
  ],
  [
    'port: 3306',
    'tls: {mode: Disabled, caSecretRef: {name: ca}}',
    'task.yaml:8 spec.source.tls.caSecretRef: caSecretRef is not looked at with mode Disabled; use VerifyCA or VerifyIdentity',
  ],
  ['    host: mysql.example.com\n', '', 'task.yaml:6 spec.source.host: missing; wanted: a text'],
  [
    'host: mysql.example.com',
    'host: 127.0.0.1:3306/shop',
    'task.yaml:7 spec.source.host: seen "127.0.0.1:3306/shop"; wanted: a host name or address, without scheme, port or user',
  ],
  [
    '{secretRef: {name: shop-mysql}}',
    '{username: sync, password: hunter2}',
    'task.yaml:9 spec.source.credentials.secretRef: missing; wanted: a map of keys and values',
    'task.yaml:9 spec.source.credentials.username: unknown key; Allowed: secretRef',
    'task.yaml:9 spec.source.credentials.password: unknown key; Allowed: secretRef',
  ],
  [
    '{secretRef: {name: shop-mysql}}',
    '{secretRef: hunter2}',
    'task.yaml:9 spec.source.credentials.secretRef: seen a text; wanted: a map of keys and values',
  ],
  [
    'https://service.example.com/api',
    'https://id:hunter2@service.example.com',
    'task.yaml:11 spec.target.endpoint: seen "https://***@service.example.com"; wanted: a URL such as https://service.cn-hangzhou.maxcompute.aliyun.com/api',
  ],
  [
    'project: warehouse',
    'project: ware-house',
    'task.yaml:12 spec.target.project: seen "ware-house"; wanted: letters, digits and _, starting with a letter, up to 128 characters',
  ],
  [
    'project: warehouse',
    'project: warehouse\n    existingTables: Truncate',
    'task.yaml:13 spec.target.existingTables: Truncate is not supported yet; use Fail, or Append to add rows to tables that exist',
  ],
  [
    '{secretRef: {name: warehouse-key}}',
    '{rrsa: {roleArn: a, oidcProviderArn: b}}',
    'task.yaml:13 spec.target.credentials.rrsa: rrsa is not supported yet; use secretRef with an access key',
  ],
  [
    '{secretRef: {name: warehouse-key}}',
    '{}',
    'task.yaml:13 spec.target.credentials: exactly one of secretRef and rrsa',
  ],
  [
    'tables: [orders, "order_*"]',
    'tables: orders',
    'task.yaml:16 spec.objects[0].tables: seen "orders"; wanted: a list',
  ],
  [
    'tables: [orders, "order_*"]',
    'tables: [orders, 7]',
    'task.yaml:16 spec.objects[0].tables[1]: seen 7; wanted: a text; put it in quotes',
  ],
  [
    'tables: [orders, "order_*"]',
    'targetTable: "{db}_{table}"',
    'task.yaml:16 spec.objects[0].targetTable: a name pattern; the placeholders are {database} and {table}',
  ],
  [
    'tables: [orders, "order_*"]',
    'excludeColumns: [a]\n    columnNames: {a: b}',
    'task.yaml:17 spec.objects[0].columnNames.a: column "a" is in excludeColumns too; it stands in one of the two',
  ],
  [
    'tables: [orders, "order_*"]',
    'columnTypes: {"unit price": "DECIMAL(40,2)"}',
    'task.yaml:16 spec.objects[0].columnTypes["unit price"]: seen "DECIMAL(40,2)"; wanted: a MaxCompute type: TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), BOOLEAN, STRING, BINARY, DATE, DATETIME, TIMESTAMP, TIMESTAMP_NTZ, JSON with p from 1 to 38 and s from 0 to 18 (inside { } in quotes, for its comma)',
  ],
  ['tables: [orders, "order_*"]', 'where:', 'task.yaml:16 spec.objects[0].where: seen nothing; wanted: a text'],
  [
    '  objects:\n  - database: shop\n    tables: [orders, "order_*"]\n',
    '  objects: []\n',
    'task.yaml:14 spec.objects: seen a list; wanted: at least 1 item',
  ],
  [
    'spec:\n',
    'spec:\n  partitionKeys: [day]\n',
    'task.yaml:6 spec.partitionKeys: unknown key; it belongs to spec.changeLog. Allowed: mode, suspend, source, target, objects, changeLog, types, precheck, snapshot, streaming, ddl, recovery, startPosition, restartNonce, resnapshot, image, updatePolicy, deletionPolicy, serviceAccountName, resources, podTemplate',
  ],
  [
    'spec:\n',
    'spec:\n  changeLog: {partitionKeys: [day, year]}\n',
    'task.yaml:6 spec.changeLog.partitionKeys: each key once, from coarse to fine: year, month, day, hour, minute',
  ],
  [
    'spec:\n',
    'spec:\n  changeLog: {partitionKeys: [hours]}\n',
    'task.yaml:6 spec.changeLog.partitionKeys[0]: seen "hours"; did you mean hour? wanted: one of year, month, day, hour, minute',
  ],
  [
    'spec:\n',
    'spec:\n  streaming: {flushInterval: 60}\n',
    'task.yaml:6 spec.streaming.flushInterval: seen 60; wanted: a duration such as 60s, 5m or 1h30m, from 1s to 1h',
  ],
  [
    'spec:\n',
    'spec:\n  streaming: {flushInterval: 2h, flushBytes: 64MB}\n',
    'task.yaml:6 spec.streaming.flushInterval: seen "2h"; wanted: a duration such as 60s, 5m or 1h30m, from 1s to 1h',
    'task.yaml:6 spec.streaming.flushBytes: seen "64MB"; wanted: a size such as 512Ki, 64Mi or 1Gi, from 1Mi to 1Gi',
  ],
  [
    'spec:\n',
    'spec:\n  mode: IncrementalOnly\n',
    'task.yaml:5 spec.startPosition: mode IncrementalOnly needs startPosition, for example {latest: true}',
  ],
  [
    'spec:\n',
    'spec:\n  startPosition: {latest: true}\n',
    'task.yaml:6 spec.startPosition: startPosition goes with mode IncrementalOnly only',
  ],
  [
    'spec:\n',
    'spec:\n  mode: IncrementalOnly\n  startPosition: {file: binlog.000001, timestamp: "2026-01-31"}\n',
    'task.yaml:7 spec.startPosition.timestamp: seen "2026-01-31"; wanted: a time with zone such as 2026-01-31T08:00:00Z',
    'task.yaml:7 spec.startPosition: exactly one of latest, gtidSet, file (with position) and timestamp',
    'task.yaml:7 spec.startPosition: file and position go together',
    'task.yaml:7 spec.startPosition.timestamp: timestamp is not supported yet; use latest: true, or file and position',
  ],
  [
    'spec:\n',
    'spec:\n  ddl: {dropColumn: Apply}\n',
    'task.yaml:6 spec.ddl.dropColumn: Apply is not supported yet for dropColumn; use Keep',
  ],
  [
    'spec:\n',
    'spec:\n  recovery: {onPositionLost: Resnapshot}\n',
    'task.yaml:6 spec.recovery.onPositionLost: Resnapshot is not supported yet; use Stop, and mcsync resnapshot when it has stopped',
  ],
  [
    'spec:\n',
    'spec:\n  types: {timeZone: Asia/Shanghia}\n',
    'task.yaml:6 spec.types.timeZone: seen "Asia/Shanghia"; wanted: an IANA time zone such as Asia/Shanghai or UTC',
  ],
  [
    'spec:\n',
    'spec:\n  podTemplate: {spec: {hostNetwork: true}}\n',
    'task.yaml:6 spec.podTemplate.spec.hostNetwork: unknown key; Allowed: nodeSelector, tolerations, affinity, topologySpreadConstraints, priorityClassName, imagePullSecrets, hostAliases, dnsConfig',
  ],
  ['kind: SyncTask', 'kind: SyncTsk', 'task.yaml:2 kind: seen "SyncTsk"; wanted: SyncTask'],
  ['v1alpha1', 'v1', 'task.yaml:1 apiVersion: seen "mcsync.dev/v1"; wanted: mcsync.dev/v1alpha1'],
  [
    'name: shop\n',
    'name: Shop_1\n',
    'task.yaml:4 metadata.name: seen "Shop_1"; wanted: a name of lower-case letters, digits and -, up to 40 characters',
  ],
  ['  source:\n', '\tsource:\n', 'task.yaml:6 not valid YAML: a tab in the indentation; YAML takes spaces only'],
  [
    'metadata:\n',
    'metadata: *shared\nx:\n',
    'task.yaml:1 an alias (*name) without its anchor (&name) before it, or far too many of them',
  ],
];

/** Whole files. */
const files: [string, string, ...string[]][] = [
  ['nothing at all', '', 'task.yaml:1 no SyncTask in this file; wanted: one'],
  ['a text', 'hello', 'task.yaml:1 a document that is not a map; wanted: a SyncTask or a Secret'],
  ['Secrets only', secret, 'task.yaml:1 no SyncTask in this file; wanted: one'],
  [
    'two tasks',
    `${good}---\n${good}`,
    'task.yaml:19 kind: a second SyncTask, the first stands at line 1; wanted: one in a file',
  ],
  [
    'another kind',
    `${good}---\nkind: Deployment\n`,
    'task.yaml:18 kind: seen "Deployment"; wanted: one of SyncTask, Secret',
  ],
  [
    'a misspelt Secret',
    good + secret.replace('kind: Secret', 'kind: Secrt'),
    'task.yaml:19 kind: seen "Secrt"; did you mean Secret? wanted: one of SyncTask, Secret',
  ],
  [
    'a misspelt key of a Secret',
    good + secret.replace('password:', 'pasword:'),
    'task.yaml:21 stringData: the key password, which the task takes from Secret shop-mysql, is missing; is pasword meant?',
  ],
  [
    'a number for a password',
    good + secret.replace('hunter2', '1234'),
    'task.yaml:21 stringData.password: must be a text; put it in quotes',
  ],
  [
    'data that is not base64',
    good + secret.replace('stringData', 'data'),
    'task.yaml:21 data.password: is not base64; plain text goes to stringData',
  ],
  [
    'a Secret of another namespace',
    good + secret.replace('{name: shop-mysql}', '{name: shop-mysql, namespace: prod}'),
    'task.yaml:20 metadata.namespace: seen "prod"; wanted: default, the namespace of the task',
  ],
  ['two Secrets of one name', good + secret + secret, 'task.yaml:25 metadata.name: a second Secret shop-mysql'],
];

describe('a wrong task file', () => {
  for (const [from, to, ...expected] of wrong) {
    it(`with ${JSON.stringify(to)} for ${JSON.stringify(from)}`, () => {
      expect(good).toContain(from);
      expect(faultsOf(good.replace(from, to))).toEqual(expected);
    });
  }

  for (const [what, text, ...expected] of files) {
    it(`with ${what}`, () => {
      expect(faultsOf(text)).toEqual(expected);
    });
  }

  it('with ten mistakes is answered with ten faults, in the order of the lines', () => {
    const text = `apiVersion: mcsync.dev/v1alpha1
kind: SyncTask
metadata: {name: shop}
spec:
  mode: FullAndIncrementl
  source:
    hots: mysql.example.com
    port: 0
    credentials: {secretRef: {name: shop-mysql}}
    tls: {mode: Verify}
  target:
    endpoint: service.example.com
    project: warehouse
    credentials: {secretRef: {name: warehouse-key}}
    existingTables: Recreate
  objects:
  - tables: [orders]
  changeLog: {lifecycleDays: "90"}
  snapshot: {parallelism: 100}
  streaming: {flushIntervall: 10s}
`;
    expect(faultsOf(text)).toEqual([
      'task.yaml:5 spec.mode: seen "FullAndIncrementl"; did you mean FullAndIncremental? wanted: one of FullAndIncremental, FullOnly, IncrementalOnly',
      'task.yaml:6 spec.source.host: missing; wanted: a text',
      'task.yaml:7 spec.source.hots: unknown key; did you mean host? Allowed: host, port, serverId, credentials, tls',
      'task.yaml:8 spec.source.port: seen 0; wanted: a whole number from 1 to 65535',
      'task.yaml:10 spec.source.tls.mode: seen "Verify"; did you mean VerifyCA? wanted: one of Disabled, Preferred, Required, VerifyCA, VerifyIdentity',
      'task.yaml:12 spec.target.endpoint: seen "service.example.com"; wanted: a URL such as https://service.cn-hangzhou.maxcompute.aliyun.com/api',
      'task.yaml:15 spec.target.existingTables: Recreate is not supported yet; use Fail, or Append to add rows to tables that exist',
      'task.yaml:17 spec.objects[0].database: missing; wanted: a text',
      'task.yaml:18 spec.changeLog.lifecycleDays: seen "90"; wanted: a number',
      'task.yaml:19 spec.snapshot.parallelism: seen 100; wanted: a whole number from 1 to 64',
      'task.yaml:20 spec.streaming.flushIntervall: unknown key; did you mean flushInterval? Allowed: flushInterval, flushBytes, lagThreshold',
    ]);
  });

  it('is refused with all faults in one error', () => {
    const text = good.replace('port', 'prot').replace('project: warehouse', 'project: 1');
    const error = catchError(() => parseTaskFile(text, 'shop.yaml'));
    expect(error.code).toBe('TASK_INVALID');
    expect(error.exitCode).toBe(64);
    expect(renderError(error)).toBe(`TASK_INVALID
  seen:   2 faults in shop.yaml
shop.yaml:8 spec.source.prot: unknown key; did you mean port? Allowed: host, port, serverId, credentials, tls
shop.yaml:12 spec.target.project: seen 1; wanted: a text; put it in quotes
  wanted: one SyncTask of mcsync.dev/v1alpha1, and beside it Secrets only
  fix:    Mend the lines named above; nothing was started.`);
  });

  it('never has a secret quoted, wherever it stands', () => {
    const places = [
      good + secret.replace('password: hunter2', 'pasword: hunter2'),
      good + secret.replace('stringData: {', 'stringData: ["hunter2", '),
      good + secret.replace('hunter2', '"hunter2'),
      good + secret.replace('hunter2', 'hunter2: hunter2: hunter2'),
      good + secret.replace('hunter2', '*hunter2'),
      good + secret.replace('hunter2', '!hunter2 x'),
      good + secret.replace('hunter2', '"\\hunter2"'),
      good + secret.replace('stringData', 'data').replace('hunter2', 'hunter2!'),
      good.replace('{name: shop-mysql}', '[hunter2]'),
      good.replace('{name: shop-mysql}', '{name: "hunter2 "}'),
      good.replace('https://', 'https://x:hunter2@'),
    ];
    for (const text of places) {
      expect(taskFaults(text).length).toBeGreaterThan(0);
      expect(faultsOf(text).join('\n')).not.toContain('hunter2');
    }
  });
});

describe('a good task file', () => {
  it('comes with every default', () => {
    const { task, secrets } = parseTaskFile(good, 'task.yaml');
    expect(secrets.size).toBe(0);
    expect(task.metadata.namespace).toBe('default');
    expect(task.spec).toMatchObject({
      mode: 'FullAndIncremental',
      suspend: false,
      source: { tls: { mode: 'Required' } },
      target: { existingTables: 'Fail', credentials: { secretRef: { securityTokenKey: 'securityToken' } } },
      objects: [{ excludeTables: [], targetTable: '{table}', excludeColumns: [], columnNames: {}, columnTypes: {} }],
      changeLog: { partitionKeys: ['year', 'month', 'day', 'hour'], columnNaming: 'Legacy' },
      types: { profile: 'Faithful', onUnrepresentable: 'Fail' },
      precheck: { policy: 'Enforce', ignoreCodes: [], retryInterval: '5m' },
      snapshot: { parallelism: 4, chunkRows: 100000 },
      streaming: { flushInterval: '60s', flushBytes: '64Mi', lagThreshold: '5m' },
      ddl: { addColumn: 'Apply', dropColumn: 'Keep', narrow: 'Pause' },
      recovery: { onPositionLost: 'Stop', maxRestarts: 20 },
    });
  });

  it('may hold Secrets as text or base64, of which text wins', () => {
    const { secrets } = parseTaskFile(
      `# a comment first\n${good}${secret.replace('hunter2}', 'hunter2}\ndata: {password: eA==, extra: w6Q=}')}---\n# nothing\n`,
      'task.yaml',
    );
    expect(Object.fromEntries(secrets.get('shop-mysql') ?? [])).toEqual({
      username: 'sync',
      password: 'hunter2',
      extra: 'ä',
    });
  });

  it('may write the policy Null without quotes', () => {
    const { task } = parseTaskFile(`${good}  types: {onUnrepresentable: Null}\n`, 'task.yaml');
    expect(task.spec.types.onUnrepresentable).toBe('Null');
  });

  it('may use anchors', () => {
    const text = good
      .replace('{secretRef: {name: shop-mysql}}', '&one {secretRef: {name: shared}}')
      .replace('{secretRef: {name: warehouse-key}}', '*one');
    expect(parseTaskFile(text, 'task.yaml').task.spec.target.credentials.secretRef?.name).toBe('shared');
  });

  it('may be JSON, which kubectl takes too', () => {
    const { task } = parseTaskFile(good, 'task.yaml');
    expect(parseTaskFile(JSON.stringify(task), 'task.json').task).toEqual(task);
  });
});

function catchError(step: () => unknown): SyncError {
  try {
    step();
  } catch (error) {
    if (error instanceof SyncError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
