/** odps-sdk-core and odps-jdbc, unmodified, against the emulator. */
import { fileURLToPath } from 'node:url';
import { javaSdk, javaSdkClassPath, jdbc, jdbcClassPath } from '../parts/java-sdk.js';
import { describeWithPart } from '../parts/part.js';
import { runClient, startForClients } from './run-client.js';

const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describeWithPart(javaSdk, 'the Java SDK', () => {
  it('creates, uploads, streams, downloads, queries, lists and drops', async () => {
    const emulator = await startForClients();
    try {
      const said = await runClient('java', ['-cp', javaSdkClassPath, source('Conformance.java'), emulator.endpoint]);
      expect(said).toEqual({
        absent: 'false',
        comment: "a 'quoted' comment",
        lifecycle: '7',
        columns: '5',
        status: 'CLOSED, CLOSED',
        second: 'StatusConflict, StatusConflict',
        count: '2000',
        sum: '999000',
        noPartition: 'NoSuchPartition',
        hasPartition: 'true',
        partitions: '1',
        total: 'a b-c+d%中 85',
        csv: '1',
        failing: expect.stringContaining('ODPS-0130131:[1,15] Table not found'),
        tables: '[j_parts, j_types]',
        partitionsLeft: '0',
        exists: 'false',
        wrongKey: 'refused',
        threeLevel: '1',
        threeLevelTable: 'true',
      });
    } finally {
      await emulator.close();
    }
  }, 120_000);
});

describeWithPart(jdbc, 'JDBC', () => {
  it('creates, inserts, queries, lists and drops', async () => {
    const emulator = await startForClients();
    try {
      const said = await runClient('java', ['-cp', jdbcClassPath, source('Jdbc.java'), emulator.endpoint]);
      expect(said).toMatchObject({ rows: '1:one 2:null', listed: 'true', dropped: 'true' });
    } finally {
      await emulator.close();
    }
  }, 120_000);
});
