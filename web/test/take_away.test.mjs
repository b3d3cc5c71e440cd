import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { askAndWait, paste, startBrowser, waitForAnnouncement, withPage } from "./page.mjs";

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

const permissions = ["clipboard-read", "clipboard-write"];
const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

const kNastyText = `It's "so": $HOME, \`ls\`, \\n, !x, %s, 😀 é\nJSON\nEOF\n'; the word is Ada's key \u0000\u2028.`;

test("The curl command gives the same answer", () =>
  withPage(browser, { permissions }, async ({ page, server }) => {
    for (const text of [kNastyText, `${"Long and longer. ".repeat(20_000)}${kNastyText}`]) {
      await paste(page, text);
      await askAndWait(page, `Whose is "Ada's key" — $PATH?`);
      await page.click("#copy-curl");
      await waitForAnnouncement(page, "Copied");
      const command = await clipboard(page);
      const asked = server.asked.at(-1);
      const stdout = await runInShell(command);
      assert.deepEqual(server.asked.at(-1), asked);
      const answer = JSON.parse(stdout).results[0].answers[0];
      assert.equal(answer.text, "Ada's key");
      assert.equal(text.slice(answer.utf16.start, answer.utf16.end), await page.textContent(".answer"));
    }
  }));

/** By standard input, as a paste into a shell is: no length of an argument bounds it. */
function runInShell(command, env = process.env) {
  return new Promise((resolve, reject) => {
    const shell = execFile("sh", { env, maxBuffer: 1 << 26 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    shell.stdin.end(command);
  });
}

test("The curl command names the key without telling it", () =>
  withPage(browser, { permissions, prepare: (server) => (server.key = "sesame") , refusals: true }, async ({ page }) => {
    await page.evaluate(() => sessionStorage.setItem("spanqa.key", "sesame"));
    await page.reload();
    await paste(page, "The word is Ada.");
    await askAndWait(page, 'Who is "Ada"?');
    await page.click("#copy-curl");
    await waitForAnnouncement(page, "Copied");
    const command = await clipboard(page);
    assert.ok(!command.includes("sesame"));
    const stdout = await runInShell(command, { ...process.env, SPANQA_API_KEY: "sesame" });
    assert.equal(JSON.parse(stdout).results[0].answers[0].text, "Ada");
  }));

test("The answer is copied alone, and as a quotation with its place", () =>
  withPage(browser, { permissions }, async ({ page }) => {
    await paste(page, "😀 First. The lamp was lit\nin 1811. Last.");
    await askAndWait(page, 'When is "1811"?');
    await page.click("#copy-answer");
    await page.waitForFunction(() => document.getElementById("copy-answer").textContent === "copied");
    assert.equal(await clipboard(page), "1811");
    await page.click("#copy-quotation");
    await page.waitForFunction(() => document.getElementById("copy-quotation").textContent === "copied");
    assert.equal(await clipboard(page), "“1811”\nIn: “in 1811.”\nPasted text, characters 29 to 33, score 93%\n");
    await page.waitForFunction(() => document.getElementById("copy-quotation").textContent === "quotation");
  }));

test("Answers are saved as lines of JSON", () =>
  withPage(browser, { acceptDownloads: true }, async ({ page }) => {
    await paste(page, "Zoë 😀 has a dog. It is called Rex.");
    await page.fill("#question", 'Who is "Rex"?\nWho discovered radium?');
    await page.press("#question", "Enter");
    await page.waitForFunction(() => document.querySelectorAll("td.score").length === 2);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save-jsonl")]);
    assert.equal(download.suggestedFilename(), "answers.jsonl");
    const rows = (await readFile(await download.path(), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(rows.length, 2);
    assert.deepEqual([rows[0].answer, rows[0].code_points.start, rows[0].utf16.start, rows[0].no_answer], ["Rex", 30, 31, false]);
    assert.deepEqual([rows[1].answer, rows[1].no_answer, rows[1].document], ["", true, "Pasted text"]);
  }));

test("Feedback is asked for where the server keeps it", () =>
  withPage(browser, { prepare: (server) => (server.feedback = true) }, async ({ page, server }) => {
    await paste(page, "😀 The dog is Rex, the cat is Tom.");
    await page.waitForTimeout(200);
    const sent = () => JSON.parse(server.requests.filter((request) => request.path === "/v1/feedback").at(-1).body);
    await askAndWait(page, 'Who is "Rex"?');
    await page.click(".feedback >> text=/^Right$/");
    await waitForAnnouncement(page, "Thank you");
    assert.deepEqual([sent().verdict, sent().answer, sent().answer_start, sent().model], ["right", "Rex", 13, "reader"]);

    await askAndWait(page, 'Who is "Rex"?');
    await page.click(".feedback >> text=/^Wrong$/");
    await page.click("text=Send the selected words");
    await waitForAnnouncement(page, "Nothing is selected");
    const at = await page.evaluate(() => {
      const text = document.querySelector(".block").firstChild;
      const range = new Range();
      range.setStart(text, text.data.indexOf("Tom"));
      range.setEnd(text, text.data.indexOf("Tom") + 3);
      const box = range.getBoundingClientRect();
      return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    });
    await page.mouse.dblclick(at.x, at.y);
    await page.click("text=Send the selected words");
    await waitForAnnouncement(page, "Thank you");
    assert.deepEqual([sent().verdict, sent().answer, sent().answer_start], ["corrected", "Tom", 29]);

    await askAndWait(page, 'Who is "Rex"?');
    await page.click(".feedback >> text=/^Wrong$/");
    await page.click("text=The text has none");
    await waitForAnnouncement(page, "Thank you");
    assert.deepEqual([sent().verdict, "answer" in sent()], ["corrected", false]);
  }));

test("Without feedback on the server nobody is asked", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, "The dog is Rex.");
    await page.waitForTimeout(200);
    await askAndWait(page, 'Who is "Rex"?');
    assert.equal(await page.locator(".feedback").count(), 0);
  }));
