// DuckDB-Wasm, DuckDB inside a browser, here in Node: the file is handed over as bytes.
const fs = require('node:fs');
const path = require('node:path');
const entry = require.resolve('@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs');
const duckdb = require(entry);
const { answer } = require('./answering.cjs');

const module_of = (name) => ({ mainModule: path.join(path.dirname(entry), name), mainWorker: '' });

async function connect() {
  const bundles = { mvp: module_of('duckdb-mvp.wasm'), eh: module_of('duckdb-eh.wasm') };
  const db = await duckdb.createDuckDB(bundles, new duckdb.VoidLogger(), duckdb.NODE_RUNTIME);
  await db.instantiate();
  db.registerFileBuffer('outcomes.duckdb', new Uint8Array(fs.readFileSync('outcomes.duckdb')));
  db.open({ path: 'outcomes.duckdb', accessMode: duckdb.DuckDBAccessMode.READ_ONLY });
  return db.connect();
}

// Arrow gives dates and timestamps as milliseconds, and whole numbers of 64 bits as BigInt.
function plain(type, value) {
  if (value === null) return null;
  if (type.startsWith('Date')) return new Date(value).toISOString().slice(0, 10);
  if (type.startsWith('Timestamp')) return new Date(value).toISOString().replace('Z', '');
  return typeof value === 'bigint' ? value.toString() : value;
}

async function ask(connection, sql) {
  const table = connection.query(sql);
  const types = table.schema.fields.map((field) => String(field.type));
  const columns = table.schema.fields.map((field) => field.name);
  const rows = table.toArray().map((row) => Object.values(row.toJSON()).map((value, i) => plain(types[i], value)));
  return { columns, rows };
}

const about = JSON.parse(fs.readFileSync(path.join(path.dirname(entry), '..', 'package.json'), 'utf8'));
answer(about.version, connect, ask);
