// The server of the tests: the built page with its headers, and /v1/answer by mock_reader. A test says how the next
// requests are to go (`plan`), and reads what came (`requests`). Alone: node test/mock_server.mjs [PORT].
import { createServer } from "node:http";
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { answer } from "./mock_reader.mjs";

const kPage = fileURLToPath(new URL("../../src/serve/page", import.meta.url));
const kTypes = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const kPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const kBytes = { context: 2 << 20, question: 16 << 10 };

/** Keeps no process alive. */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref());

export class MockServer {
  requests = []; // { method, path, headers, body } of the API's routes
  plan = []; // one entry for each coming POST /v1/answer: { delay, status, code, error, retryAfter, limit, die, cut }
  key = ""; // wanted of every API request
  feedback = false;
  models = [{ name: "reader", default: true, family: "bert", weights: "float16", parameters: 22_000_000, max_length: 384, temperature: 1, no_answer_threshold: 0.5, generation: 1 }];
  #texts = new Set();
  #server = null;
  #sockets = new Set();
  #files = new Map();
  port = 0;

  constructor() {
    for (const name of ["index.html", ...readdirSync(join(kPage, "assets")).map((file) => `assets/${file}`)]) {
      this.#files.set(`/${name}`, readFileSync(join(kPage, name)));
    }
  }

  async start(port = this.port) {
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    this.port = this.#server.address().port;
    return this;
  }

  /** As a killed process: connections are reset, nobody listens. */
  async die() {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The bodies that /v1/answer was asked with. */
  get asked() {
    return this.requests.filter((request) => request.path === "/v1/answer").map((request) => JSON.parse(request.body));
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  #send(response, status, body, headers = {}) {
    const text = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    response.writeHead(status, { "Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Request-ID": "9f1c2a7740b3de58", ...headers });
    response.end(text);
  }

  #refuse(response, status, code, error, headers = {}, more = {}) {
    this.#send(response, status, { error, code, ...more }, headers);
  }

  async #handle(request, response) {
    const path = new URL(request.url, this.url).pathname;
    const file = this.#files.get(path === "/" ? "/index.html" : path);
    if (request.method === "GET" && file !== undefined) {
      this.#send(response, 200, file, { "Content-Type": kTypes[extname(path) || ".html"], "Content-Security-Policy": kPolicy });
      return;
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString("utf8");
    this.requests.push({ method: request.method, path, headers: request.headers, body });
    if (path === "/openapi.json") {
      this.#send(response, 200, { openapi: "3.1.0", paths: { "/v1/answer": {}, ...(this.feedback ? { "/v1/feedback": {} } : {}) } });
    } else if (this.key !== "" && request.headers.authorization !== `Bearer ${this.key}`) {
      this.#refuse(response, 401, "unauthorized", "An API key is needed: Authorization: Bearer KEY.", { "WWW-Authenticate": "Bearer" });
    } else if (path === "/v1/models") {
      this.#send(response, 200, { models: this.models });
    } else if (path === "/v1/feedback" && this.feedback) {
      response.writeHead(204).end();
    } else if (path === "/v1/answer" && request.method === "POST") {
      await this.#answer(request, response, JSON.parse(body));
    } else {
      this.#refuse(response, 404, "not_found", "There is nothing at this path.");
    }
  }

  async #answer(request, response, body) {
    const plan = this.plan.shift() ?? {};
    if (plan.delay !== undefined) await pause(plan.delay);
    if (plan.die) return void (await this.die());
    if (plan.status !== undefined) {
      const more = plan.limit === undefined ? {} : { limit: plan.limit };
      const headers = plan.retryAfter === undefined ? {} : { "Retry-After": String(plan.retryAfter) };
      return this.#refuse(response, plan.status, plan.code, plan.error ?? "", headers, more);
    }
    if (Buffer.byteLength(body.context) > kBytes.context) {
      return this.#refuse(response, 413, "context_too_long", `context has ${Buffer.byteLength(body.context)} bytes; at most ${kBytes.context} are taken`, {}, { limit: kBytes.context });
    }
    const full = answer(body, this.#texts.has(body.context));
    this.#texts.add(body.context);
    if (!(request.headers.accept ?? "").startsWith("text/event-stream")) return this.#send(response, 200, full);
    await this.#stream(response, full, plan);
  }

  async #stream(response, full, plan) {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const total = full.results[0].windows;
    const best = full.results[0].answers.find((one) => !one.no_answer) ?? null;
    for (const share of [0.2, 0.5, 0.8]) {
      const progress = { windows_done: Math.floor(total * share), windows_total: total, question: 0, best: share > 0.4 ? best : null };
      response.write(`: still reading\n\nevent: progress\ndata: ${JSON.stringify(progress)}\n\n`);
      await pause(plan.between ?? 5);
      if (plan.cut && share > 0.4) return void response.destroy();
      if (plan.streamedError && share > 0.4) return void response.end(`event: error\ndata: ${JSON.stringify(plan.streamedError)}\n\n`);
    }
    response.end(`event: answer\ndata: ${JSON.stringify(full)}\n\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await new MockServer().start(Number(process.argv[2] ?? 5000));
  console.log(`the page, with made-up answers: ${server.url}`);
}
