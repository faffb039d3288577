/** Every character of every charset that a server has: our conversion to UTF-8 must be the server's own. */
import mysql from 'mysql2/promise';
import { charsetDecoder } from '../../operator/mysql/cells/charset.js';
import { mariadb, startMariaDb } from '../parts/mariadb.js';
import { mysql56, startMySql56 } from '../parts/mysql56.js';
import { describeWithPart } from '../parts/part.js';
import type { TestServer } from '../parts/test-server.js';

describeWithPart(mysql56, 'charsets of MySQL 5.6', () => {
  compareConversions(() => startMySql56());
});

describeWithPart(mariadb, 'charsets of MariaDB', () => {
  compareConversions(() => startMariaDb());
});

function compareConversions(start: () => Promise<TestServer>): void {
  let server: TestServer;
  let connection: mysql.Connection;
  beforeAll(async () => {
    server = await start();
    connection = await mysql.createConnection({ ...server.connectionOptions(), charset: 'utf8mb4_general_ci' });
    await connection.query('CREATE DATABASE codes');
    await connection.query('CREATE TABLE codes.codes (c VARBINARY(4)) ENGINE=MyISAM');
    const codes = allCodes();
    for (let from = 0; from < codes.length; from += 20_000) {
      const values = codes.slice(from, from + 20_000).map((code) => `(x'${code}')`);
      await connection.query(`INSERT INTO codes.codes VALUES ${values.join(',')}`);
    }
  }, 60_000);
  afterAll(async () => {
    connection?.destroy();
    await server?.stop();
  });

  it('are read as the server converts them', async () => {
    const [charsets] = await connection.query({
      sql: "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME NOT IN ('binary')",
      rowsAsArray: true,
    });
    const wrong: string[] = [];
    for (const [charset, bytesMax] of charsets as unknown as [string, number][]) {
      const decoder = charsetDecoder(charset);
      if (decoder === null) wrong.push(`${charset} is not known`);
      if (decoder === null || decoder === 'copy') continue;
      const [rows] = await connection.query({
        // Only codes that the server takes for one character; it completes those that are too short.
        sql: `SELECT HEX(CONVERT(c USING ${charset})), HEX(CONVERT(CONVERT(c USING ${charset}) USING utf8mb4)) FROM codes.codes
          WHERE LENGTH(c) <= ${bytesMax} AND CHAR_LENGTH(CONVERT(c USING ${charset})) = 1
          AND CHAR_LENGTH(CONVERT(CONVERT(c USING ${charset}) USING utf8mb4)) = 1`,
        rowsAsArray: true,
      });
      const out = Buffer.alloc(64);
      const pairs = rows as unknown as [string, string][];
      expect(pairs.length).toBeGreaterThan(120);
      for (const [code, wanted] of pairs) {
        const bytes = Buffer.from(code, 'hex');
        const seen = out.toString('hex', 0, decoder.write(bytes, 0, bytes.length, out)).toUpperCase();
        if (seen !== wanted) wrong.push(`${charset} ${code}: server ${wanted}, seen ${seen}`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  }, 60_000);
}

/** One byte; two bytes from 0x80 on, and as UCS-2; three bytes of the EUC charsets; UTF-16 and UTF-32 by samples. */
function allCodes(): string[] {
  const codes: string[] = [];
  for (let code = 0; code < 0x100; code += 1) codes.push(code.toString(16).padStart(2, '0'));
  for (let code = 0; code < 0x10000; code += 1) codes.push(code.toString(16).padStart(4, '0'));
  for (let lead = 0xa1; lead < 0xff; lead += 1) {
    for (let last = 0xa1; last < 0xff; last += 1) codes.push(`8f${lead.toString(16)}${last.toString(16)}`);
  }
  for (let point = 0; point < 0x11_0000; point += 97) {
    codes.push(point.toString(16).padStart(8, '0'));
    if (point < 0x10000) continue;
    const high = 0xd800 + ((point - 0x10000) >> 10);
    const low = 0xdc00 + (point & 0x3ff);
    codes.push(high.toString(16) + low.toString(16));
    codes.push(Buffer.from(String.fromCodePoint(point), 'utf16le').toString('hex'));
  }
  return codes;
}
