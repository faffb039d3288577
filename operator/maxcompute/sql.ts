/**
 * Runs SQL as an instance of the project. In: a statement with its settings. Out: rows as texts, or `TARGET_SQL_FAILED`
 * with the server's own words. A statement that must not run twice is submitted once, whatever becomes of the request.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { SyncError } from '../base/errors.js';
import type { QueryResult } from '../model/ports.js';
import { MaxComputeError } from './failures.js';
import type { Answer, MaxComputeHttp } from './http.js';
import { instancePath, type Namespace, projectPath } from './names.js';
import { parseRecordType } from './records/types.js';
import { textOfCell } from './texts.js';
import type { Tunnel } from './tunnel.js';
import { childOf, childrenOf, escapeXml, parseXml, textOf, type XmlNode } from './xml.js';

export interface SqlSettings {
  readonly namespace: Namespace;
  readonly quotaName: string | null;
}

/** Polls at these times first: most of our statements take a moment, and a person waits. */
const firstPollMs = 20;
const pollMsMax = 2_000;
/** A statement that runs is worth waiting for: who loses sight of it may run it twice. */
const pollTimeouts = { patienceMs: 120_000 };
/** MaxCompute itself ends a statement after a day. */
const runningMsMax = 24 * 3_600_000;
const taskName = 'AnonymousSQLTask';

export class SqlRunner {
  private readonly settings: SqlSettings;
  private readonly service: MaxComputeHttp;
  private readonly tunnel: Tunnel;
  private readonly clock: Clock;

  constructor(settings: SqlSettings, service: MaxComputeHttp, tunnel: Tunnel, clock: Clock) {
    this.settings = settings;
    this.service = service;
    this.tunnel = tunnel;
    this.clock = clock;
  }

  /** Runs a statement that does no more when it runs twice. */
  async runIdempotent(sql: string): Promise<void> {
    await this.run(sql, {}, 'always');
  }

  async query(sql: string, settings: Readonly<Record<string, string>> = {}): Promise<QueryResult> {
    const instanceId = await this.run(sql, settings, onlyReads(sql, settings) ? 'always' : 'unsent');
    if (!givesRows(sql, settings)) return { columns: [], rows: [] };
    try {
      const { columns, rows } = await this.tunnel.downloadResult(instanceId);
      const types = columns.map((column) => parseRecordType(column.type));
      return {
        columns,
        rows: rows.map((row) => types.map((type, index) => textOfCell(type, row[index] ?? null))),
      };
    } catch (error) {
      // A script, or a WITH, that ends in no SELECT: the server has no result to give.
      if (error instanceof MaxComputeError && error.serverCode === 'InstanceTypeNotSupported') {
        return { columns: [], rows: [] };
      }
      throw error;
    }
  }

  /** Runs to the end; answers the instance id. */
  private async run(
    sql: string,
    settings: Readonly<Record<string, string>>,
    repeat: 'always' | 'unsent',
  ): Promise<string> {
    const instanceId = await this.submit(sql, settings, repeat);
    const path = instancePath(this.settings.namespace, instanceId);
    const startedMs = this.clock.monotonicMs();
    for (let waitMs = firstPollMs; ; waitMs = Math.min(waitMs * 2, pollMsMax)) {
      const status = textOf(childOf(await this.readInstance(path, {}), 'Status')).toLowerCase();
      if (status === 'terminated') break;
      if (this.clock.monotonicMs() - startedMs > runningMsMax) {
        throw failed(`instance ${instanceId} is still ${status} after ${runningMsMax / 3_600_000} hours`);
      }
      await this.clock.sleep(waitMs);
    }
    // Terminated says only that it ended: each task tells how.
    const tasks = childrenOf(childOf(await this.readInstance(path, { taskstatus: '' }), 'Tasks'), 'Task');
    for (const task of tasks) {
      const status = textOf(childOf(task, 'Status')).toUpperCase();
      if (status !== 'SUCCESS') throw await this.failureOf(path, instanceId, status);
    }
    if (tasks.length === 0) throw failed(`instance ${instanceId} ended without a task`);
    return instanceId;
  }

  private async submit(
    sql: string,
    settings: Readonly<Record<string, string>>,
    repeat: 'always' | 'unsent',
  ): Promise<string> {
    const answer = await this.service.call({
      what: 'run a statement',
      method: 'POST',
      path: `${projectPath(this.settings.namespace)}/instances`,
      query: {},
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(renderJob(sql, this.allSettings(settings))),
      repeat,
    });
    const instanceId = /\/([^/?]+)\/?(?:\?.*)?$/.exec(answer.headers.location ?? '')?.[1];
    if (instanceId === undefined) {
      throw new SyncError('TARGET_PROTOCOL', {
        seen: `HTTP ${answer.status} without the instance in header Location`,
        wanted: 'an instance id',
        fix: 'Check target.endpoint.',
      });
    }
    return decodeURIComponent(instanceId);
  }

  private allSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
    const { namespace, quotaName } = this.settings;
    return {
      // TINYINT, INT, TIMESTAMP, DECIMAL(p,s) and so on are off by default in older projects.
      'odps.sql.type.system.odps2': 'true',
      'odps.sql.decimal.odps2': 'true',
      ...(quotaName === null ? {} : { 'odps.task.wlm.quota': quotaName }),
      ...(namespace.schema === null
        ? {}
        : {
            'odps.namespace.schema': 'true',
            'odps.sql.allow.namespace.schema': 'true',
            'odps.default.schema': namespace.schema,
          }),
      ...settings,
    };
  }

  private async readInstance(path: string, query: Readonly<Record<string, string>>): Promise<XmlNode> {
    const answer = await this.service.call({
      what: 'read the state of a statement',
      method: 'GET',
      path,
      query,
      repeat: 'always',
      timeouts: pollTimeouts,
    });
    return rootOf(answer, 'Instance');
  }

  private async failureOf(path: string, instanceId: string, status: string): Promise<SyncError> {
    const answer = await this.service.call({
      what: 'read why a statement failed',
      method: 'GET',
      path,
      query: { result: '' },
      repeat: 'always',
    });
    const document = parseXml(answer.text) ?? {};
    const results = childrenOf(childOf(document.Instance, 'Tasks'), 'Task').map((task) => {
      const result = childOf(task, 'Result');
      const text = textOf(result);
      return textOf(childOf(result, '@Transform')) === 'Base64' ? Buffer.from(text, 'base64').toString('utf8') : text;
    });
    const words = results.filter((text) => text !== '').join(' ') || textOf(childOf(document.Error, 'Message'));
    return failed(`${words.trim() || `task ${status}`} (instance ${instanceId})`);
  }
}

function failed(seen: string): SyncError {
  // ODPS-0130013: no permission; ODPS-0420095: access denied.
  if (/ODPS-0130013|ODPS-0420095/.test(seen)) {
    return new SyncError('TARGET_PRIVILEGE_MISSING', {
      seen,
      wanted: 'the right to run it',
      fix: 'GRANT the right that the message names to the account of the access key.',
    });
  }
  // InternalServerError: the service failed, not the statement.
  if (/ODPS-0010000/.test(seen)) {
    return new SyncError('TARGET_UNREACHABLE', {
      seen,
      wanted: 'a service that runs statements',
      fix: 'Nothing: it is tried again by itself. If it lasts, ask MaxCompute support about this instance.',
    });
  }
  return new SyncError('TARGET_SQL_FAILED', {
    seen,
    wanted: 'a statement that ends well',
    fix: 'The message is MaxCompute’s own; its code is explained in the list of SQL errors of the manual.',
  });
}

/** As PyODPS builds it: settings are a JSON object in a text, the statement ends with a semicolon. */
function renderJob(sql: string, settings: Readonly<Record<string, string>>): string {
  const statement = sql.trimEnd().endsWith(';') ? sql : `${sql};`;
  const property = (name: string, value: string): string =>
    `<Property><Name>${name}</Name><Value>${escapeXml(value)}</Value></Property>`;
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<Instance><Job><Priority>9</Priority><Tasks><SQL>',
    `<Name>${taskName}</Name>`,
    `<Config>${property('settings', JSON.stringify(settings))}${property('uuid', randomUUID())}</Config>`,
    `<Query>${escapeXml(statement)}</Query>`,
    '</SQL></Tasks><DAG><RunMode>Sequence</RunMode></DAG></Job></Instance>',
  ].join('\n');
}

function givesRows(sql: string, settings: Readonly<Record<string, string>>): boolean {
  return isScript(settings) || ['select', 'with', 'values'].includes(firstWord(sql));
}

/** A WITH may end in an INSERT, and a script may do anything. */
function onlyReads(sql: string, settings: Readonly<Record<string, string>>): boolean {
  return !isScript(settings) && firstWord(sql) === 'select';
}

function isScript(settings: Readonly<Record<string, string>>): boolean {
  return settings['odps.sql.submit.mode'] === 'script';
}

/** Behind comments, SET statements and parentheses. */
function firstWord(sql: string): string {
  const bare = sql.replace(/^(?:\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/|\(|set\s[^;]*;)*/i, '');
  return (/^[a-z]+/i.exec(bare)?.[0] ?? '').toLowerCase();
}

function rootOf(answer: Answer, name: string): XmlNode {
  const root = parseXml(answer.text)?.[name];
  if (root !== undefined) return root;
  throw new SyncError('TARGET_PROTOCOL', {
    seen: `HTTP ${answer.status} without the XML element ${name}`,
    wanted: `the document ${name}`,
    fix: 'Check target.endpoint; it is tried again by itself.',
  });
}
