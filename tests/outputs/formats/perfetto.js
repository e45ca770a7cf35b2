// Loads a trace into Perfetto's own engine, and prints what each query answers as a line of JSON.
//     node perfetto.js FOLDER_OF_THE_VIEWER TRACE QUERY...
// The engine is the worker script and the WebAssembly that ui.perfetto.dev runs in a browser, of which this plays the
// little that they need. It is spoken to by perfetto/protos/perfetto/trace_processor/trace_processor.proto.
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');
const [folder, trace, ...queries] = process.argv.slice(2);
const read = (url) => fs.readFileSync(path.join(folder, path.basename(String(url))));

class XMLHttpRequest {
  open(method, url) { this.url = url; }
  send() { this.response = copied(read(this.url)).buffer; }
}
const browser = {
  console: {log() {}, warn() {}, error: console.error}, setTimeout, clearTimeout, performance, TextDecoder, TextEncoder, URL,
  XMLHttpRequest, WorkerGlobalScope: class {}, location: {href: 'http://viewer/engine_bundle.js'},
};
browser.self = browser;
vm.createContext(browser);
const copied = (bytes) => vm.runInContext('Uint8Array', browser).from(bytes);

// Protocol buffers: fields of a number (wire type 0), and of bytes (wire type 2), are all that is needed.
function number(value) {
  const bytes = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}
const withNumber = (field, value) => Buffer.concat([number(field << 3), number(value)]);
const withBytes = (field, bytes) => Buffer.concat([number((field << 3) | 2), number(bytes.length), bytes]);

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  get more() { return this.at < this.bytes.length; }
  number() {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
  }
  take(length) { return this.bytes.subarray(this.at, (this.at += length)); }
  field() {
    const tag = this.number();
    return [tag >>> 3, (tag & 7) === 0 ? this.number() : this.take((tag & 7) === 1 ? 8 : this.number())];
  }
}
function all(reader, read) { const found = []; while (reader.more) found.push(read(reader)); return found; }
const fields = (bytes) => all(new Reader(bytes), (reader) => reader.field());
const of = (found, field) => found.filter(([name]) => name === field).map(([, value]) => value);
const numbers = (found, field) => of(found, field).flatMap((bytes) => all(new Reader(bytes), (reader) => reader.number()));

const APPEND = 1, FINALIZE = 2, QUERY = 3;
let sent = 0;
const waiting = [], port = {postMessage(bytes) { for (const [, message] of fields(Buffer.from(bytes))) waiting.shift()(fields(message)); }};
function ask(what, argument = Buffer.alloc(0)) {
  return new Promise((resolve) => {
    waiting.push(resolve);
    port.onmessage({data: copied(withBytes(1, Buffer.concat([withNumber(1, ++sent), withNumber(2, what), argument])))});
  });
}

async function query(sql) {
  const [result] = of(await ask(QUERY, withBytes(103, withBytes(1, Buffer.from(sql)))), 203);
  const told = fields(result), [error] = of(told, 2), columns = of(told, 1).length, cells = [];
  if (error) throw new Error(String(error));
  for (const batch of of(told, 3).map(fields)) {
    const whole = numbers(batch, 2), texts = of(batch, 5).map(String).join('').split('\0'), floats = Buffer.concat(of(batch, 3));
    let float = 0;
    const next = {1: () => null, 2: () => whole.shift(), 3: () => floats.readDoubleLE(8 * float++), 4: () => texts.shift()};
    cells.push(...numbers(batch, 1).map((kind) => next[kind]()));
  }
  return Array.from({length: cells.length / columns}, (_, row) => cells.slice(row * columns, (row + 1) * columns));
}

async function main() {
  vm.runInContext(fs.readFileSync(path.join(folder, 'engine_bundle.js'), 'utf8'), browser);
  browser.onmessage({data: port});
  // The script is ready when what it has put off until it was read has been done.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const [appended] = of(await ask(APPEND, withBytes(101, fs.readFileSync(trace))), 201);
  const [error] = appended ? of(fields(appended), 2) : [];
  if (error) throw new Error(String(error));
  await ask(FINALIZE);
  for (const sql of queries) console.log(JSON.stringify(await query(sql)));
}
main().then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); });
