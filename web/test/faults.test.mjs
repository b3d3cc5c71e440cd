import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askAndWait, drop, paste, startBrowser, waitForAnnouncement, withPage } from "./page.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const kText = "The keeper of the light was called Ida.";
const kQuestion = 'Who was "Ida"?';
const refusals = { refusals: true };

/** The fault's card says these words, aloud too, and the question is still there. */
async function assertFault(page, title, text) {
  await page.waitForSelector("#outcome .card.fault");
  assert.equal(await page.textContent("#outcome .card.fault h2"), title);
  assert.match(await page.textContent("#outcome .card.fault"), text);
  await waitForAnnouncement(page, title);
  assert.equal(await page.inputValue("#question"), kQuestion);
}

async function assertRetryAnswers(page) {
  await page.click("#retry");
  await page.waitForSelector(".answer");
  assert.equal(await page.textContent(".answer"), "Ida");
  assert.equal(await page.locator("#outcome .card").count(), 0);
}

test("A server that is killed while it answers is told of, and asked again when it is back", () =>
  withPage(browser, refusals, async ({ page, server }) => {
    await paste(page, kText);
    server.plan.push({ delay: 200, die: true });
    await ask(page, kQuestion);
    await assertFault(page, "The server does not answer", /still here/);
    await page.click("#retry");
    await page.waitForFunction(() => document.getElementById("ask-button").textContent === "Ask");
    await assertFault(page, "The server does not answer", /still here/);
    await server.start();
    await assertRetryAnswers(page);
  }));

test("A stream that is cut, and one that ends with an error, are told of", () =>
  withPage(browser, refusals, async ({ page, server }) => {
    await paste(page, `${"Words and more words. ".repeat(3000)}${kText}`);
    server.plan.push({ cut: true });
    await ask(page, kQuestion);
    await assertFault(page, "The server does not answer", /still here/);
    server.plan.push({ streamedError: { error: "The answer was not ready in time.", code: "deadline_exceeded" } });
    await page.click("#retry");
    await page.waitForSelector("text=The answer was not ready in time");
    await assertRetryAnswers(page);
  }));

test("A text that is too long is refused in words, with the limit", () =>
  withPage(browser, refusals, async ({ page }) => {
    await paste(page, "Far too much. ".repeat(160_000));
    await ask(page, kQuestion);
    await assertFault(page, "The text is too long", /at most 2 MiB/);
  }));

test("A busy server says when to come back", () =>
  withPage(browser, refusals, async ({ page, server }) => {
    await paste(page, kText);
    server.plan.push({ status: 429, code: "queue_full", retryAfter: 2 });
    await ask(page, kQuestion);
    await assertFault(page, "The server is busy", /more work than it can do/);
    assert.equal(await page.textContent("#retry"), "Ask again (in 2 s)");
    await page.waitForFunction(() => document.getElementById("retry").textContent === "Ask again");
    await assertRetryAnswers(page);
  }));

for (const [status, code, title] of [
  [504, "deadline_exceeded", "The answer was not ready in time"],
  [503, "not_ready", "The server is not ready yet"],
  [503, "shutting_down", "The server is shutting down"],
  [500, "internal", "The server failed"],
  [422, "invalid_field", "The server refused the request"],
]) {
  test(`${status} ${code} is told in words and can be tried again`, () =>
    withPage(browser, refusals, async ({ page, server }) => {
      await paste(page, kText);
      server.plan.push({ status, code, error: "Said by the server." });
      await ask(page, kQuestion);
      await assertFault(page, title, /Request 9f1c2a7740b3de58/);
      await assertRetryAnswers(page);
    }));
}

test("A key that is wanted is asked for, kept for the tab and sent", () =>
  withPage(browser, { ...refusals, prepare: (server) => (server.key = "sesame") }, async ({ page, server }) => {
    await paste(page, kText);
    await ask(page, kQuestion);
    await assertFault(page, "This server wants an API key", /kept in this tab/);
    await page.fill("#key", "wrong");
    await page.press("#key", "Enter");
    await page.waitForFunction(() => document.getElementById("key")?.value === "");
    await page.fill("#key", "sesame");
    await page.press("#key", "Enter");
    await page.waitForSelector(".answer");
    assert.equal(server.requests.at(-1).headers.authorization, "Bearer sesame");
    assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("sesame")), false);
    await page.reload();
    await paste(page, kText);
    await askAndWait(page, kQuestion);
  }));

test("Questions of a table that failed are asked again alone", () =>
  withPage(browser, refusals, async ({ page, server }) => {
    await paste(page, kText);
    const questions = Array.from({ length: 10 }, (_, i) => `Who was "Ida" in ${i}?`);
    server.plan.push({}, { status: 504, code: "deadline_exceeded" });
    await ask(page, questions.join("\n"));
    await page.waitForSelector("#retry");
    assert.equal(await page.locator("td.score").count(), 8);
    assert.equal(await page.locator("td.waiting").first().textContent(), "not answered");
    await page.click("#retry");
    await page.waitForFunction(() => document.querySelectorAll("td.score").length === 10);
    assert.equal(server.asked.at(-1).questions.length, 2);
  }));

test("A question under way can be stopped", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await paste(page, kText);
    server.plan.push({ delay: 3000 });
    await ask(page, kQuestion);
    await waitForAnnouncement(page, "Reading the text");
    await page.press("#question", "Escape");
    await page.waitForSelector("text=Stopped");
    assert.equal(await page.textContent("#ask-button"), "Ask");
    server.plan.push({ delay: 3000 });
    await page.click("#ask-button");
    await page.waitForTimeout(500);
    await page.click("#ask-button");
    await page.waitForSelector("text=Stopped");
    await assertRetryAnswers(page);
  }));

test("Asking without a text or a question says what is lacking", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await page.click("#ask-button");
    assert.equal(await page.textContent("#ask-need"), "Write a question first.");
    await ask(page, kQuestion);
    assert.match(await page.textContent("#ask-need"), /no text yet/);
    await waitForAnnouncement(page, "no text yet");
    assert.equal(server.asked.length, 0);
    await page.fill("#text", kText);
    await askAndWait(page, kQuestion);
    assert.ok(await page.isHidden("#ask-need"));
  }));

test("A file that is no text is refused in words", () =>
  withPage(browser, {}, async ({ page }) => {
    await drop(page, "picture.png", "image/png", Buffer.from([137, 80, 78, 71, 0, 0, 0, 13]));
    await waitForAnnouncement(page, "picture.png is not a text file");
    assert.match(await page.textContent("#file-fault"), /Text, Markdown and HTML can be read/);
    await drop(page, "empty.html", "text/html", "<p> </p>");
    await waitForAnnouncement(page, "empty.html holds no text");
  }));

test("Where the browser keeps nothing, everything else works", () =>
  withPage(browser, {}, async ({ page }) => {
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get: () => { throw new DOMException("no", "SecurityError"); } });
      }
    });
    await page.reload();
    await paste(page, kText);
    await askAndWait(page, kQuestion);
    assert.equal(await page.textContent(".answer"), "Ida");
  }));

test("A server that says nothing for a minute is given up", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await page.clock.install();
    await paste(page, kText);
    server.plan.push({ delay: 120_000 });
    await ask(page, kQuestion);
    await page.waitForFunction(() => document.getElementById("ask-button").textContent === "Stop");
    await page.clock.fastForward(61_000);
    await page.waitForSelector("text=The server has gone silent");
    await page.click("#retry");
    await page.waitForSelector(".answer");
  }));
