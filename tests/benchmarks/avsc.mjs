// Decodes the corpus of decode.py with npm's avsc in the usual way: one type, fromBuffer for each event.
// Reads one JSON document {schema, payloads: [base64, …], runs} from standard input; prints events per second.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const avro = createRequire(`${process.argv[2]}/`)('avsc');
const { schema, payloads, runs } = JSON.parse(readFileSync(0, 'utf8'));
const type = avro.Type.forSchema(schema, { wrapUnions: false });
const events = payloads.map((each) => Buffer.from(each, 'base64'));
let best = Infinity;
for (let run = 0; run < runs; run += 1) {
    const before = process.cpuUsage();
    for (const event of events) type.fromBuffer(event);
    const spent = process.cpuUsage(before);
    best = Math.min(best, (spent.user + spent.system) / 1e6);
}
console.log(events.length / best);
