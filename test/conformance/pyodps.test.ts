/** PyODPS, unmodified, against the emulator. */
import { fileURLToPath } from 'node:url';
import { describeWithPart } from '../parts/part.js';
import { pyodps, pyodpsModules } from '../parts/pyodps.js';
import { runClient, startForClients } from './run-client.js';

const script = fileURLToPath(new URL('pyodps_conformance.py', import.meta.url));

describeWithPart(pyodps, 'PyODPS', () => {
  it('creates, uploads, streams, downloads, queries, lists and drops', async () => {
    const emulator = await startForClients();
    try {
      const said = await runClient('python3', [script, emulator.endpoint], { PYTHONPATH: pyodpsModules });
      expect(said).toEqual({
        absent: 'False',
        comment: 'it\'s "mine"',
        types:
          'bigint,int,smallint,tinyint,boolean,double,float,string,varchar(10),char(5),binary,decimal(38,18),date,datetime,timestamp,timestamp_ntz,json',
        status: 'Closed, Closed',
        second: 'StatusConflict',
        unknown: 'NoSuchUpload',
        count: '6',
        equal: 'True',
        sqlEqual: 'True',
        columns: "['', -9223372036854775807]",
        noPartition: 'NoSuchPartition',
        partitions: "pt='1',region='a b';pt='2',region='r1';pt='2',region='r2'",
        iterate: '2',
        has: 'True',
        overwritten: "[[8, '1', 'a b']]",
        streamed: '[[2]]',
        left: '2',
        sqlTable: 'ODPS-0130131',
        sqlSyntax: 'ODPS-0130161',
        sqlFunction: 'ODPS-0130071',
        csv: expect.stringContaining('x,"y'),
        ddlResult: "''",
        tables: "['p_parts', 'p_types']",
        truncated: '[[0]]',
        exists: 'False',
        wrongKey: 'Unauthorized',
        wrongKeyTunnel: 'Unauthorized',
        v4: 'True',
        threeLevel: '[[3]]',
        schemas: '[True, True, False]',
        threeLevelList: "['t3']",
      });
    } finally {
      await emulator.close();
    }
  }, 120_000);
});
