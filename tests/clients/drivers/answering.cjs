// What every Node client does alike: take the questions, answer them, try to write, and print one report as JSON.
// How a client connects and asks belongs in its driver. Whole numbers that a double cannot hold travel as text.
const TABLES = `
  select table_name as name, 'table' as kind, comment from duckdb_tables()
  where database_name = current_database() and not internal
  union all
  select view_name, 'view', comment from duckdb_views() where database_name = current_database() and not internal`;
const COLUMNS = `
  select table_name, column_name, comment from duckdb_columns()
  where database_name = current_database() and not internal`;
const KEYS = `
  select table_name, array_to_string(constraint_column_names, ',') as columns from duckdb_constraints()
  where database_name = current_database() and constraint_type = 'PRIMARY KEY'`;

async function answer(version, connect, ask) {
  const order = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  let connection, engine;
  try {
    connection = await connect();
    engine = (await ask(connection, 'select version() as version')).rows[0][0].replace('v', '');
  } catch (problem) {
    console.log(JSON.stringify({ version, error: String(problem.message) }));
    return;
  }
  const answers = {};
  for (const [name, sql] of Object.entries(order.questions)) answers[name] = await ask(connection, sql);
  const tables = {}, comments = {};
  for (const [name, kind, comment] of (await ask(connection, TABLES)).rows) {
    tables[name] = kind;
    if (comment) comments[name] = comment;
  }
  for (const [table, column, comment] of (await ask(connection, COLUMNS)).rows) {
    if (comment) comments[`${table}.${column}`] = comment;
  }
  const keys = (await ask(connection, KEYS)).rows.map(([table, columns]) => `${table}(${columns})`).sort();
  const refusals = {};
  for (const sql of order.writes) {
    try {
      await ask(connection, sql);
      refusals[sql] = null;
    } catch (problem) {
      refusals[sql] = String(problem.message);
    }
  }
  process.stdout.write(JSON.stringify({ version, engine, answers, refusals, tables, comments, keys }));
}

module.exports = { answer };
