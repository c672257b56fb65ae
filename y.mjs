import { createRequire } from 'node:module';
const { DuckDBInstance } = createRequire('/work/wt/e2/package.json')('@duckdb/node-api');
const c = await (await DuckDBInstance.create(':memory:')).connect();
const q = async (s,...a) => { try { return JSON.stringify((await c.runAndReadAll(s,...a)).getRowsJson()) } catch(e){ return 'ERR '+e.message.slice(0,300)} };
console.log(await q(`SELECT * FROM sniff_csv('/tmp/e2/inf/q.csv')`));
console.log(await q(`SELECT * FROM '/tmp/e2/inf/q.csv'`));
console.log(await q(`SELECT * FROM read_csv('/tmp/e2/inf/q.csv', delim=',', header=true, types={k:'BIGINT', d:'DATE'})`));
console.log(await q(`SELECT * FROM read_csv('/tmp/e2/inf/q.csv', delim=',', header=true, dateformat='%Y-%m-%d', types={k:'BIGINT', d:'DATE'})`));
console.log(await q(`SELECT k, d::DATE FROM read_csv('/tmp/e2/inf/q.csv', delim=',', header=true, types={k:'BIGINT', d:'VARCHAR'})`));
