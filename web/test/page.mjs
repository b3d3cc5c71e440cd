// What the tests share: a browser, a mock server and a page that tells of everything that should not happen.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { MockServer } from "./mock_server.mjs";

const kBrowser = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** One browser for a file of tests; `close()` when they are done. */
export async function startBrowser() {
  return chromium.launch({ executablePath: kBrowser, args: ["--no-sandbox"] });
}

/**
 * Runs `act(page, context)` on a fresh page of `url`, then checks that nothing was logged as an error, nothing threw, and
 * no request left the origin. `options.refusals`: responses with an error status are part of the test.
 */
export async function withPageOf(browser, url, options, act) {
  const { refusals = false, ...contextOptions } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...contextOptions });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => {
    const isRefusal = refusals && message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusal) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`thrown: ${error}`));
  context.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) faults.push(`request to ${request.url()}`);
  });
  try {
    await page.goto(url);
    await act(page, context);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** The same on a mock server of its own: `act({ page, server, context })`; `options.prepare(server)` sets it up. */
export async function withPage(browser, options, act) {
  const { prepare = () => undefined, ...pageOptions } = options;
  const server = await new MockServer().start();
  prepare(server);
  try {
    await withPageOf(browser, server.url, pageOptions, (page, context) => act({ page, server, context }));
  } finally {
    await server.die();
  }
}

/** Puts `text` where a reader would paste it. */
export async function paste(page, text) {
  await page.evaluate((pasted) => {
    const data = new DataTransfer();
    data.setData("text/plain", pasted);
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
}

/** Drops a file on the page. */
export async function drop(page, name, type, content) {
  await page.evaluate(({ name, type, bytes }) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, { type }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, { name, type, bytes: [...Buffer.from(content)] });
}

export async function ask(page, question) {
  await page.fill("#question", question);
  await page.press("#question", "Enter");
}

/** Asks and waits until the answer's panel is there. */
export async function askAndWait(page, question) {
  await page.evaluate(() => document.querySelector(".answer-panel")?.setAttribute("data-old", ""));
  await ask(page, question);
  await page.waitForSelector(".answer-panel:not([data-old])");
}

/** The text under a highlight of this name. */
export function highlighted(page, name = "answer") {
  return page.evaluate((wanted) => [...(CSS.highlights.get(wanted) ?? [])].map((range) => range.toString()), name);
}

/** Whether the marked answer is within the part of the text that is seen. */
export function isAnswerInView(page) {
  return page.evaluate(() => {
    const [range] = CSS.highlights.get("answer");
    const box = range.getBoundingClientRect();
    const frame = document.getElementById("reading").getBoundingClientRect();
    return box.height > 0 && box.top >= frame.top && box.bottom <= frame.bottom;
  });
}

export async function waitForAnnouncement(page, words) {
  await page.waitForFunction((wanted) => document.getElementById("announcer").textContent.includes(wanted), words);
}
