/** What is asked about an SQL instance, as documents. */
import type { DuckDBValue } from '@duckdb/node-api';
import type { Context, Project } from './context.js';
import { type Answer, type Request, readText } from './http.js';
import type { Instance } from './instances.js';
import { httpDate, xmlAnswer } from './service.js';
import { ServiceError } from './service-error.js';
import type { ResultRows } from './sql/engine.js';
import { cdata, escapeXml } from './xml.js';

/** A submission waits so long for its end, which spares most clients a poll; then it goes on by itself. */
const submitWaitMs = 500;
/** A status request of a running instance is held so long. */
const pollWaitMs = 1_000;
/** Manual: `?result` shows so many rows. */
const resultRowsMax = 10_000;
const bodyBytesMax = 8 * 1024 * 1024;

export async function submitInstance(context: Context, project: Project, request: Request): Promise<Answer> {
  const body = await readText(request.body, bodyBytesMax);
  const instance = context.instances.submit(body, {
    project: project.name,
    isThreeLevel: project.isThreeLevel,
    isProject: (name) => context.projects.has(name),
  });
  await within(context, instance, submitWaitMs);
  return {
    status: 201,
    headers: {
      Location: `http://${context.address()}/api/projects/${encodeURIComponent(project.name)}/instances/${instance.id}`,
      'x-odps-start-time': httpDate(instance.startedMs),
    },
    body: '',
  };
}

export function listInstances(context: Context, project: Project): Answer {
  const items = context.instances
    .list(project.name)
    .map(
      (one) =>
        `<Instance><Name>${one.id}</Name><Owner>${context.owner}</Owner><StartTime>${httpDate(one.startedMs)}</StartTime><Status>${one.status}</Status></Instance>`,
    );
  return xmlAnswer(`<Instances><Marker/><MaxItems>1000</MaxItems>${items.join('')}</Instances>`);
}

export async function getInstance(context: Context, project: Project, id: string, request: Request): Promise<Answer> {
  const instance = context.instances.get(project.name, id);
  const headers = {
    'x-odps-owner': context.owner,
    'x-odps-start-time': httpDate(instance.startedMs),
    ...(instance.endedMs === null ? {} : { 'x-odps-end-time': httpDate(instance.endedMs) }),
  };
  const { query } = request;
  if (query.has('source')) return xmlAnswer(instance.source, headers);
  if (query.has('result')) return xmlAnswer(await resultDocument(context, instance), headers);
  if (query.has('instancesummary')) return jsonAnswer(summary());
  if (query.has('instancedetail') || query.has('detail')) return jsonAnswer({ Instance: {} });
  if (query.has('instanceprogress')) return xmlAnswer('<Progress/>', headers);
  await within(context, instance, pollWaitMs);
  return xmlAnswer(
    query.has('taskstatus') ? taskDocument(instance) : `<Instance><Status>${instance.status}</Status></Instance>`,
    headers,
  );
}

/** JDBC takes the counts of a statement from here, and fails on a summary without inputs and outputs. */
function summary(): object {
  return { Instance: { JsonSummary: JSON.stringify({ Instances: [], inputs: {}, outputs: {} }), Summary: '' } };
}

function taskDocument(instance: Instance): string {
  const end = instance.endedMs === null ? '' : `<EndTime>${httpDate(instance.endedMs)}</EndTime>`;
  return `<Instance><Status>${instance.status}</Status><Tasks><Task Type="SQL"><Name>${escapeXml(instance.job.taskName)}</Name><StartTime>${httpDate(instance.startedMs)}</StartTime>${end}<Status>${instance.taskStatus}</Status><Histories/></Task></Tasks></Instance>`;
}

async function resultDocument(context: Context, instance: Instance): Promise<string> {
  const { result, failure } = instance;
  const isRows = result?.kind === 'rows';
  const text = failure ?? (result === null ? '' : result.kind === 'rows' ? await csv(context, result) : result.text);
  const descriptor = isRows
    ? `<ResultDescriptor>${cdata(JSON.stringify({ IsSelect: true, SelectResultStatus: 'OK', Schema: { Columns: result.columns.map(({ name, type }) => ({ Name: name, Type: type })) } }))}</ResultDescriptor>`
    : '';
  // CSV may hold any character; XML may not.
  const body = isRows
    ? `<Result Transform="Base64" Format="csv">${cdata(Buffer.from(text).toString('base64'))}</Result>`
    : `<Result Format="text">${cdata(text)}</Result>`;
  return `<Instance><Tasks><Task Type="SQL"><Name>${escapeXml(instance.job.taskName)}</Name>${body}${descriptor}<Status>${instance.taskStatus}</Status></Task></Tasks></Instance>`;
}

async function csv(context: Context, result: ResultRows): Promise<string> {
  if (!context.engine.hasResult(result.name))
    throw new ServiceError(404, 'NoSuchData', 'The result was dropped: run the query again.');
  const connection = await context.database.connect();
  try {
    // MaxCompute shows DATETIME without milliseconds.
    const values = result.columns.map(({ type }, index) =>
      type === 'datetime' ? `left(CAST(c${index} AS VARCHAR), 19)` : `CAST(c${index} AS VARCHAR)`,
    );
    const answer = await connection.runAndReadAll(
      `SELECT ${values.join(', ')} FROM results.main.${result.name} LIMIT ${resultRowsMax}`,
    );
    const quote = (value: DuckDBValue): string => (value === null ? '\\N' : `"${String(value).replaceAll('"', '""')}"`);
    const head = result.columns.map(({ name }) => quote(name)).join(',');
    const rows = answer
      .getRows()
      .map((row) => row.map((value, index) => cellText(value, result.columns[index]?.type ?? '', quote)).join(','));
    return `${[head, ...rows].join('\n')}\n`;
  } finally {
    context.database.disconnect(connection);
  }
}

function cellText(value: DuckDBValue, type: string, quote: (value: DuckDBValue) => string): string {
  if (value === null || !/int$|double|float|decimal|boolean/.test(type)) return quote(value);
  return String(value);
}

function jsonAnswer(body: object): Answer {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

async function within(context: Context, instance: Instance, waitMs: number): Promise<void> {
  if (instance.status === 'Terminated') return;
  const timer = new AbortController();
  await Promise.race([instance.ended, context.clock.sleep(waitMs, timer.signal).catch(() => undefined)]);
  timer.abort();
}
