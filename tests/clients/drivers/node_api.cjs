// @duckdb/node-api, the library for Node that Evidence is built on.
const { DuckDBInstance, version } = require('@duckdb/node-api');
const { answer } = require('./answering.cjs');

async function connect() {
  const instance = await DuckDBInstance.create('outcomes.duckdb', { access_mode: 'READ_ONLY' });
  return instance.connect();
}

async function ask(connection, sql) {
  const reader = await connection.runAndReadAll(sql);
  return { columns: reader.columnNames(), rows: reader.getRowsJson() };
}

answer(version().replace('v', ''), connect, ask);
