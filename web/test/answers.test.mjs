import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, askAndWait, highlighted, isAnswerInView, paste, startBrowser, waitForAnnouncement, withPage } from "./page.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

// Characters of one to four bytes and one or two UTF-16 units, joined, combined, and with a Windows line end.
const kManyKinds = "👩🏽‍🔧 Zoë (e\u0301, न\u094dन, 🇨🇴) said 😀😀 before\r\nthe “quoted” 𝒜nswer 🎉, then left. ";

test("The highlight is the API's text, whatever stands before it", () =>
  withPage(browser, {}, async ({ page, server }) => {
    for (const needle of ["𝒜nswer 🎉", "e\u0301", "न\u094dन", "🇨🇴", "before", "👩🏽‍🔧"]) {
      const text = `😀 ${kManyKinds.repeat(40)}`;
      await paste(page, text);
      await askAndWait(page, `Where is "${needle}"?`);
      assert.equal(server.asked.at(-1).context, text);
      assert.deepEqual(await highlighted(page), [needle]);
      assert.equal(await page.textContent(".answer"), needle);
    }
  }));

test("The answer is brought into view and its sentence marked", () =>
  withPage(browser, {}, async ({ page }) => {
    const filler = "Nothing is said here about it. ".repeat(60);
    await paste(page, `${`${filler}\n\n`.repeat(12)}The key lies under the blue stone.\n\n${filler}`);
    await askAndWait(page, 'Where is "the blue stone"?');
    await page.waitForFunction(() => document.getElementById("reading").scrollTop > 1000);
    await page.waitForTimeout(500);
    assert.ok(await isAnswerInView(page));
    assert.deepEqual(await highlighted(page, "sentence"), ["The key lies under the blue stone."]);
    assert.equal(await page.textContent("blockquote mark"), "the blue stone");
  }));

test("Candidates light up their places and can be walked", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, `One gate here. ${"Words between them. ".repeat(300)} Another gate there. A third gate.`);
    await askAndWait(page, 'Where is a "gate"?');
    assert.equal(await page.locator(".candidate").count(), 3);
    assert.deepEqual(await highlighted(page, "others"), ["gate", "gate"]);
    await page.locator(".candidate").nth(1).click();
    await page.waitForTimeout(500);
    assert.ok(await isAnswerInView(page));
    assert.equal(await page.getAttribute(".candidate >> nth=1", "aria-current"), "true");
    await waitForAnnouncement(page, "Answer 2 of 3");
  }));

test("No answer is shown as such, with its margin", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await page.click("text=A short history");
    await askAndWait(page, "Who invented the telephone?");
    assert.equal(await page.textContent(".answer"), "No answer in this text");
    assert.match(await page.textContent(".margin"), /best candidate, “.+”, reaches \d+%: \d+% short of the 50% above which this model answers/);
    assert.deepEqual(await highlighted(page), []);
    assert.ok(await page.isHidden("#copy-answer"), "there is nothing to copy");
    await page.locator(".candidate").nth(1).click();
    assert.ok(await page.isVisible("#copy-answer"));
    await page.click("#settings-open");
    await page.uncheck("#setting-no-answer");
    await page.click("dialog .primary");
    await askAndWait(page, "Who invented the telephone?");
    assert.equal(server.asked.at(-1).no_answer, false);
    assert.notEqual(await page.textContent(".answer"), "No answer in this text");
  }));

test("What the model saw is drawn and told in numbers", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, "The deposit is 1200 pounds. The rent is due on Monday.");
    await askAndWait(page, 'How much is "1200 pounds"?');
    const label = await page.getAttribute(".strip svg", "aria-label");
    assert.match(label, /13 tokens.+likeliest begin is “1200” with \d+%, the likeliest end “pounds” with \d+%/);
    await page.click(".twin summary");
    const row = page.locator(".twin tbody tr", { hasText: "1200" });
    assert.match(await row.textContent(), /^1200\d+%/);
    assert.match(await page.textContent(".twin tbody"), /no answer/);
    const heights = await page.evaluate(() =>
      [...document.querySelectorAll(".token")].map((token) => Number.parseFloat(getComputedStyle(token, "::before").height)));
    assert.equal(heights.indexOf(Math.max(...heights)), 3, "the tallest bar stands over 1200");
    assert.equal(await page.locator(".together", { hasText: "pounds" }).textContent(), "pounds.");
  }));

test("Several questions become a table whose rows can be looked at", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await page.click("text=Notes of a café");
    const questions = Array.from({ length: 11 }, (_, i) => (i === 9 ? "Who discovered radium in Paris?" : `Where is "cups" in line ${i}?`));
    await page.fill("#question", questions.join("\n"));
    await page.press("#question", "Enter");
    await page.waitForFunction(() => document.querySelectorAll(".answers-table td.score").length === 11);
    assert.deepEqual(server.asked.map((body) => body.questions.length), [8, 3]);
    assert.equal(await page.locator(".answers-table td.none").count(), 1);
    await waitForAnnouncement(page, "11 questions asked, 10 answers found");
    await page.click(".row-button >> nth=9");
    assert.equal(await page.textContent(".answer"), "No answer in this text");
    assert.deepEqual(await highlighted(page), []);
    await page.click(".row-button >> nth=1");
    assert.deepEqual(await highlighted(page), ["cups"]);
    assert.equal(await page.getAttribute(".row-button >> nth=1", "aria-current"), "true");
  }));

test("A slow old answer never overwrites a newer one", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await paste(page, "The old one is red. The new one is blue.");
    server.plan.push({ delay: 900 }, {});
    await ask(page, 'Where is "red"?');
    await page.waitForFunction(() => document.getElementById("ask-button").textContent === "Stop");
    await ask(page, 'Where is "blue"?');
    await page.waitForSelector(".answer");
    await page.waitForTimeout(1200);
    assert.equal(await page.textContent(".answer"), "blue");
    assert.deepEqual(await highlighted(page), ["blue"]);
  }));

test("An answer over a text that was taken away does not arrive", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await paste(page, "The first text holds a needle.");
    server.plan.push({ delay: 500 });
    await ask(page, 'Where is a "needle"?');
    await page.waitForFunction(() => document.getElementById("ask-button").textContent === "Stop");
    await paste(page, "The second text has none.");
    await page.waitForTimeout(800);
    assert.equal(await page.locator(".answer-panel").count(), 0);
    assert.equal(await page.textContent("#ask-button"), "Ask");
  }));

test("The second question over a text says what was saved", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, `${"A text without much in it. ".repeat(1000)}The end is near.`);
    await askAndWait(page, 'Where is "The end"?');
    assert.match(await page.textContent(".timing"), /on the server \(.+ waiting, .+ tokenising, .+ reading\)/);
    assert.doesNotMatch(await page.textContent(".timing"), /saved/);
    await askAndWait(page, 'What is "near"?');
    assert.match(await page.textContent(".timing"), /kept from the first question: [\d.]+ ms saved/);
  }));

test("Progress of a long text is shown while it is read", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await paste(page, `${"Nothing to see in these words. ".repeat(3000)}The treasure is in Lima.`);
    server.plan.push({ between: 300 });
    await ask(page, 'Where is "Lima"?');
    await page.waitForSelector("text=/Reading the text, \\d+ of \\d+ windows/");
    await page.waitForSelector("text=/Best so far: “Lima”/");
    await page.waitForSelector(".answer");
    assert.equal(server.requests.at(-1).headers.accept, "text/event-stream, application/json;q=0.9");
    assert.deepEqual(await highlighted(page), ["Lima"]);
    assert.ok(await isAnswerInView(page));
  }));

test("Recent questions stay in the browser and can be asked again and forgotten", () =>
  withPage(browser, {}, async ({ page, server }) => {
    await page.click("text=A rental agreement");
    await askAndWait(page, 'How much is "£940"?');
    await page.reload();
    await page.click("text=A rental agreement");
    await page.click("#history summary");
    await page.click(".history-question");
    await page.waitForSelector(".answer");
    assert.deepEqual(await highlighted(page), ["£940"]);
    const kept = await page.evaluate(() => JSON.stringify(localStorage));
    assert.ok(!kept.includes("Marta"), "no text is kept");
    await page.click("text=Forget them");
    assert.ok(await page.isHidden("#history"));
    assert.equal(await page.evaluate(() => document.activeElement.id), "question");
    assert.equal(await page.evaluate(() => localStorage.getItem("spanqa.history")), "[]");
    assert.equal(server.asked.length, 2);
  }));

test("Another model is asked when it is chosen", () =>
  withPage(browser, { prepare: (server) => server.models.push({ ...server.models[0], name: "big", default: false }) }, async ({ page, server }) => {
    await page.click("text=A rental agreement");
    await page.waitForFunction(() => !document.getElementById("setting-model").disabled);
    await page.click("#settings-open");
    await page.selectOption("#setting-model", "big");
    await page.selectOption("#setting-count", "1");
    await page.click("dialog .primary");
    await askAndWait(page, 'How much is "£940"?');
    const body = server.asked.at(-1);
    assert.deepEqual([body.model, body.top_k], ["big", 1]);
    assert.match(await page.textContent(".timing"), /read by big\./);
  }));
