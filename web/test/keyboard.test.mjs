import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { askAndWait, highlighted, paste, startBrowser, waitForAnnouncement, withPage } from "./page.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

test("Everything can be done by keyboard, in an order that makes sense", () =>
  withPage(browser, {}, async ({ page }) => {
    const seen = [];
    for (let i = 0; i < 9; ++i) {
      await page.keyboard.press("Tab");
      seen.push(await focused(page));
    }
    assert.deepEqual(seen.slice(0, 5), ["To the question", "API (in a new tab)", "settings-open", "open-file", "text"]);
    assert.deepEqual(seen.slice(8), ["question"]);
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter"); // the last example
    await page.waitForSelector("#reading .block");
    await page.keyboard.press("/");
    assert.equal(await focused(page), "question");
    await page.keyboard.type('Where is "Huila"?');
    await page.keyboard.press("Enter");
    await page.waitForSelector(".answer");
    assert.equal(await focused(page), "question", "asking leaves the focus where it is");
    await waitForAnnouncement(page, "Huila, 93%. In: They taste".slice(0, 10));
  }));

test("The skip link leads to the question", () =>
  withPage(browser, {}, async ({ page }) => {
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.keyboard.type("x");
    assert.equal(await page.inputValue("#question"), "x");
  }));

test("n and p walk the answers, and are letters where one writes", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, "A bell in the east. A bell in the west. A bell in the north.");
    await askAndWait(page, 'Where is a "bell"?');
    await page.keyboard.type("np");
    assert.match(await page.inputValue("#question"), /np$/);
    await page.focus("#reading");
    const place = () => page.evaluate(() => [...CSS.highlights.get("answer")][0].startOffset);
    const places = [await place()];
    for (const key of ["n", "n", "n", "p"]) {
      await page.keyboard.press(key);
      places.push(await place());
    }
    assert.deepEqual(places, [2, 22, 42, 2, 42]);
    await waitForAnnouncement(page, "Answer 3 of 3");
    await page.keyboard.press("Control+n").catch(() => undefined);
    assert.equal(await place(), 42);
  }));

test("Single keys can be switched off", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, "A bell in the east. A bell in the west.");
    await askAndWait(page, 'Where is a "bell"?');
    await page.click("#settings-open");
    await page.uncheck("#setting-shortcuts");
    await page.keyboard.press("Escape");
    assert.equal(await focused(page), "settings-open", "the dialog gives the focus back");
    await page.focus("#reading");
    await page.keyboard.press("n");
    await page.keyboard.press("/");
    assert.equal(await focused(page), "reading");
    assert.equal(await page.evaluate(() => [...CSS.highlights.get("answer")][0].startOffset), 2);
  }));

test("Shift and Enter begin another question", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await paste(page, "The dog is Rex, the cat is Tom.");
    await page.focus("#question");
    await page.keyboard.type('Who is "Rex"?');
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type('Who is "Tom"?');
    await page.keyboard.press("Enter");
    await page.waitForSelector(".answers-table");
    assert.deepEqual(server.asked.at(-1).questions, ['Who is "Rex"?', 'Who is "Tom"?']);
    await page.waitForFunction(() => document.querySelectorAll("td.score").length === 2);
    await page.focus(".row-button >> nth=1");
    await page.keyboard.press("Enter");
    assert.deepEqual(await highlighted(page), ["Tom"]);
    assert.equal(await focused(page), 'Who is "Tom"?');
  }));

test("Focus is never lost to what was taken away", () =>
  withPage(browser, { refusals: true }, async ({ page, server }) => {
    await paste(page, "The dog is Rex.");
    server.plan.push({ status: 504, code: "deadline_exceeded" });
    await page.fill("#question", 'Who is "Rex"?');
    await page.focus("#ask-button");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#retry");
    assert.equal(await focused(page), "ask-button");
    await page.focus("#retry");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".answer");
    assert.equal(await focused(page), "outcome");
    await page.focus("#copy-answer");
    await page.keyboard.press("n");
    assert.equal(await focused(page), "copy-answer");
  }));
