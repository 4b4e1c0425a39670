// Question: what is the fastest way to bring rows into JavaScript?
//
// Five contestants do all the work from PostgreSQL's binary rows to an array of objects with Dates.
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { compileDecoder } from '../../packages/next-puff/dist/boundary/rows.js';
import { compare } from '../measure.mjs';
import { buildAddon } from '../native.mjs';

const native = createRequire(import.meta.url)(buildAddon('rows/native', 'bench_rows'));

const columns = [
  ['id', 1, false],
  ['name', 4, false],
  ['price', 3, false],
  ['created', 5, false],
  ['active', 2, false],
];
const decode = compileDecoder(columns, 'object');
// Longer results come in an array of their own.
const inbox = new Int32Array(8 * 1024);

const contestants = {
  'packed words + decoder': (count) => {
    const attachments = native.packed(count, inbox);
    const isInline = typeof attachments[0] === 'number';
    const words = isInline ? inbox : attachments[0];
    const end = isInline ? attachments[0] : words.length;
    const rows = [];
    for (let at = 0, text = 1; at < end; at += 2 + words[at + 1]) {
      decode(rows, words, at + 2, words[at], attachments[text++]);
    }
    return rows;
  },
  'JSON objects': (count) => {
    const rows = JSON.parse(native.jsonObjects(count));
    for (const row of rows) row.created = new Date(row.created);
    return rows;
  },
  'JSON arrays': (count) =>
    JSON.parse(native.jsonArrays(count)).map(([id, name, price, created, active]) => ({
      id,
      name,
      price,
      created: new Date(created),
      active,
    })),
  'values by Node-API': (count) => {
    const values = native.values(count);
    const rows = [];
    for (let at = 0; at < values.length; at += 5) {
      rows.push({
        id: values[at],
        name: values[at + 1],
        price: values[at + 2],
        created: new Date(values[at + 3]),
        active: values[at + 4],
      });
    }
    return rows;
  },
  'objects by Node-API': (count) => {
    const rows = native.objects(count);
    for (const row of rows) row.created = new Date(row.created);
    return rows;
  },
  'wire bytes, decoded in JavaScript': (count) => {
    const bytes = native.wire(count);
    const rows = [];
    for (let at = 0; at < bytes.length; ) {
      at += 6;
      const id = bytes.readInt32BE(at + 4);
      const nameLength = bytes.readInt32BE(at + 8);
      const name = bytes.utf8Slice(at + 12, at + 12 + nameLength);
      at += 12 + nameLength;
      const price = bytes.readDoubleBE(at + 4);
      const micros = bytes.readInt32BE(at + 16) * 0x1_0000_0000 + bytes.readUInt32BE(at + 20);
      const created = new Date(micros / 1000 + 946_684_800_000);
      rows.push({ id, name, price, created, active: bytes[at + 28] === 1 });
      at += 29;
    }
    return rows;
  },
};

for (const count of [1, 10, 100, 1000, 10_000]) {
  const [first, ...others] = Object.values(contestants).map((contestant) => contestant(count));
  for (const other of others) assert.deepStrictEqual(other, first);
  await compare(`${count} rows of 5 columns`, contestants, (contestant) => contestant(count));
}
