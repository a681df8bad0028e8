// The DuckDB connector of Evidence, by the function that `npm run sources` calls.
const runQuery = require('@evidence-dev/duckdb');
const { answer } = require('./answering.cjs');
const fs = require('node:fs');
const path = require('node:path');

// As sources/outcomes/connection.yaml says, "filename: outcomes.duckdb"; Evidence adds the folder of the source.
const options = { filename: 'outcomes.duckdb', directory: process.cwd() };

// Dates and times both arrive as Date.
function plain(value) {
  if (value === undefined) return null;
  if (!(value instanceof Date)) return value;
  return value.toISOString().replace('T00:00:00.000Z', '').replace('Z', '');
}

async function ask(_, sql) {
  const result = await runQuery(sql, options);
  const columns = result.columnTypes.map((column) => column.name);
  const rows = [];
  for await (const batch of result.rows()) rows.push(...batch.map((row) => columns.map((name) => plain(row[name]))));
  return { columns, rows };
}

const about = path.join(path.dirname(require.resolve('@evidence-dev/duckdb')), 'package.json');
answer(JSON.parse(fs.readFileSync(about, 'utf8')).version, () => null, ask);
