// The same page with a real server and model behind it; skipped without SPANQA_PROGRAM, the path of a spanqa.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { askAndWait, highlighted, isAnswerInView, paste, startBrowser, waitForAnnouncement, withPageOf } from "./page.mjs";

const program = process.env.SPANQA_PROGRAM;
const skip = program === undefined && "SPANQA_PROGRAM names no spanqa";
const kStartMs = 60_000;
// Busy machines read slowly, and what cannot be done in time is refused at once.
const kPatienceMs = 500_000;
const kPatient = ["--deadline-ms", "3600000"];

let browser;
before(async () => {
  if (!skip) browser = await startBrowser();
});
after(() => browser?.close());

/** A server on a port of its own, as { url, child }. */
async function serve(...flags) {
  const child = spawn(program, ["serve", "--port", "0", ...flags], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no port within ${kStartMs} ms: ${said}`)), kStartMs);
    child.on("exit", (code) => reject(new Error(`spanqa serve ended with ${code}`)));
    child.stdout.on("data", (bytes) => {
      said += bytes;
      const found = /listening on (http:\/\/\S+)/.exec(said);
      if (found === null) return;
      clearTimeout(timer);
      resolve(`${found[1].replace(/\/$/, "")}/`);
    });
  });
  return { url, child };
}

async function withServer(options, act) {
  const { url, child } = await serve(...kPatient);
  try {
    await withPageOf(browser, url, options, (page) => {
      page.setDefaultTimeout(kPatienceMs);
      return act(page, url, child);
    });
  } finally {
    child.kill("SIGKILL");
  }
}

/** What the API says to the question that the page would ask. */
async function answerOf(url, question, context) {
  const response = await fetch(`${url}v1/answer`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ question, context, top_k: 5 }),
  });
  assert.equal(response.status, 200);
  return (await response.json()).results[0];
}

const kEmoji = "👩🏽‍🔧 Zoë (e\u0301, न\u094dन, 🇨🇴) said 😀😀.\n";

test("The highlight is the API's text, emoji and combining marks before it", { skip }, () =>
  withServer({}, async (page, url) => {
    const context = `${kEmoji.repeat(30)}The lighthouse was built by Robert Stevenson in 1811.`;
    await paste(page, context);
    await askAndWait(page, "Who built the lighthouse?");
    const best = (await answerOf(url, "Who built the lighthouse?", context)).answers[0];
    assert.equal(best.no_answer, false);
    assert.deepEqual(await highlighted(page), [best.text]);
    assert.equal(context.slice(best.utf16.start, best.utf16.end), best.text);
    await page.waitForTimeout(1000); // scrolling
    assert.ok(await isAnswerInView(page));
    assert.ok((await page.locator(".token").count()) > 0);
  }));

test("Every question of the examples is answered, the last one with no answer", { skip }, () =>
  withServer({}, async (page) => {
    for (const name of ["A short history", "A rental agreement", "Notes of a café"]) {
      await page.click(`text=${name}`);
      for (const question of await page.locator(".chip").allTextContents()) {
        await askAndWait(page, question);
        console.log(`${question} ${await page.textContent(".answer")} ${await page.textContent(".score-line")}`);
      }
      assert.equal(await page.textContent(".answer"), "No answer in this text", name);
      await page.click("#new-text");
    }
  }));

// A part of the 1 MB that documents.test.mjs shows: reading all of it takes a minute.
test("A long document is answered, with progress", { skip }, () =>
  withServer({}, async (page) => {
    const filler = "The log of the voyage tells of little but wind and bread, day after day. ".repeat(6);
    const text = `${`${filler}\n\n`.repeat(Math.ceil(50_000 / filler.length))}The captain of the ship was Ida Holm.`;
    await paste(page, text);
    await page.fill("#question", "Who was the captain of the ship?");
    await page.press("#question", "Enter");
    await page.waitForSelector("text=/\\d+ of \\d+ windows/");
    await page.waitForSelector(".answer");
    assert.match((await highlighted(page))[0], /Ida Holm/);
    await page.waitForTimeout(500);
    assert.ok(await isAnswerInView(page));
  }));

test("The curl command gives the answer that the page shows", { skip }, () =>
  withServer({ permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
    await paste(page, `It's "the" $HOME of \`Ada\` 😀: the keeper's name was Ada Lowe.`);
    await askAndWait(page, "What was the keeper's name?");
    await page.click("#copy-curl");
    await waitForAnnouncement(page, "Copied");
    const command = await page.evaluate(() => navigator.clipboard.readText());
    const { stdout } = await promisify(execFile)("sh", ["-c", command]);
    assert.equal(JSON.parse(stdout).results[0].answers[0].text, await page.textContent(".answer"));
  }));

test("A server that is killed mid-question is told of", { skip }, () =>
  withServer({ refusals: true }, async (page, _, child) => {
    await paste(page, "Words without an end to them. ".repeat(20_000));
    await page.fill("#question", "Who was the captain?");
    await page.press("#question", "Enter");
    await page.waitForSelector(".reading");
    child.kill("SIGKILL");
    await once(child, "exit");
    await page.waitForSelector("#outcome .card.fault");
    assert.equal(await page.textContent("#outcome .card.fault h2"), "The server does not answer");
  }));
