// Every state that the page can be in, and how to get there.
import { ask, askAndWait, drop, paste } from "./page.mjs";

const kAgreement = "text=A rental agreement";

async function openAll(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
}

async function fail(page, server, plan) {
  await page.click(kAgreement);
  server.plan.push(plan);
  await ask(page, "How much is the deposit?");
  await page.waitForSelector("#outcome .card.fault");
}

export const states = {
  empty: async () => undefined,
  "text without a question": async (page) => page.click(kAgreement),
  answered: async (page) => {
    await page.click("text=A short history");
    await askAndWait(page, "Who built a wooden tower on the Eddystone?");
    await openAll(page);
  },
  "second candidate": async (page) => {
    await page.click("text=A short history");
    await askAndWait(page, "Who built a wooden tower on the Eddystone?");
    await page.locator(".candidate").nth(1).click();
  },
  "no answer": async (page) => {
    await page.click("text=A short history");
    await askAndWait(page, "Who invented the telephone?");
  },
  table: async (page) => {
    await page.click(kAgreement);
    await ask(page, "How much is the deposit?\nWhen does the tenancy begin?\nWho discovered radium?");
    await page.waitForFunction(() => document.querySelectorAll("td.score").length === 3);
  },
  reading: async (page, server) => {
    await paste(page, `${"Nothing to see in these words. ".repeat(3000)}The treasure is in Lima.`);
    server.plan.push({ between: 60_000 });
    await ask(page, 'Where is "Lima"?');
    await page.waitForSelector(".reading");
  },
  busy: async (page, server) => fail(page, server, { status: 429, code: "queue_full", retryAfter: 9 }),
  "too late": async (page, server) => fail(page, server, { status: 504, code: "deadline_exceeded" }),
  "key wanted": async (page, server) => fail(page, server, { status: 401, code: "unauthorized" }),
  "bad file": async (page) => {
    await drop(page, "picture.png", "image/png", Buffer.from([137, 80, 78, 71, 0]));
    await page.waitForSelector("#file-fault:not([hidden])");
  },
  "nothing to ask": async (page) => page.click("#ask-button"),
  feedback: async (page, server) => {
    server.feedback = true;
    await page.reload();
    await page.waitForTimeout(200);
    await page.click(kAgreement);
    await askAndWait(page, "How much is the deposit?");
    await page.click(".feedback >> text=/^Wrong$/");
  },
  settings: async (page) => page.click("#settings-open"),
};
