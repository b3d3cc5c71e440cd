import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { ask, askAndWait, paste, startBrowser, withPage } from "./page.mjs";
import { states } from "./states.mjs";

const kAxe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const kRules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser.close());

async function violations(page) {
  await page.waitForTimeout(250); // what fades in has its colours then
  // By the debugger, whose scripts the page's policy does not bind.
  await page.evaluate(kAxe);
  const result = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags } }), kRules);
  return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
}

/** Elements that reach beyond the width of the window. */
const overflowing = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const clipped = (node) => node.closest(".visually-hidden, #reading .block, .skip") !== null;
    const wide = [...document.querySelectorAll("body *")].filter((node) => !clipped(node) && node.getBoundingClientRect().right > width + 1);
    return { scrolls: document.documentElement.scrollWidth > width, wide: wide.map((node) => node.id || node.className || node.tagName) };
  });

// 320 by 256 is a window of 1280 by 1024 at 400 %.
const kSmall = [{ width: 320, height: 640 }, { width: 320, height: 256 }];

// A state is reached once and then looked at in every way: reaching it is what takes time.
for (const [name, reach] of Object.entries(states)) {
  test(`Within reach of everybody: ${name}`, () =>
    withPage(browser, { refusals: true }, async ({ page, server }) => {
      await reach(page, server);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `axe, ${colorScheme}`);
      }
      for (const size of kSmall) {
        await page.setViewportSize(size);
        assert.deepEqual(await overflowing(page), { scrolls: false, wide: [] }, `${size.width} by ${size.height}`);
      }
      assert.deepEqual(await violations(page), [], "axe, small");
    }));
}

test("Text and question can be used at 400 %", () =>
  withPage(browser, { viewport: { width: 320, height: 256 } }, async ({ page }) => {
    await paste(page, `${"Words before it. ".repeat(200)}The key is blue.`);
    await askAndWait(page, 'What is "blue"?');
    for (const id of ["#question", "#ask-button", "#copy-answer"]) {
      await page.locator(id).scrollIntoViewIfNeeded();
      const isOnTop = await page.locator(id).evaluate((node) => {
        const box = node.getBoundingClientRect();
        return node.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
      });
      assert.ok(isOnTop, `${id} is covered`);
    }
  }));

test("On small screens the page moves to what came of a question, where nothing of it would be seen", () =>
  withPage(browser, { viewport: { width: 320, height: 640 } }, async ({ page }) => {
    await page.click("text=A rental agreement");
    await ask(page, "How much is the deposit?\nWhen does the tenancy begin?\nWho discovered radium?");
    await page.waitForFunction(() => document.querySelectorAll("td.score").length === 3);
    const places = await page.evaluate(() => {
      const of = (selector) => document.querySelector(selector).getBoundingClientRect();
      return { text: of("#document-pane").bottom, firstRow: of(".answers-table tr.chosen").top, page: scrollY };
    });
    assert.ok(places.firstRow >= places.text && places.firstRow < 400, JSON.stringify(places));
    await page.evaluate(() => scrollTo(0, 0));
    await askAndWait(page, "How much is the deposit?");
    assert.equal(await page.evaluate(() => scrollY), 0, "what is seen is left where it is");
  }));

test("In forced colours the answer, the bars and the one looked at still differ", () =>
  withPage(browser, { forcedColors: "active" }, async ({ page }) => {
    await page.click("text=A short history");
    await askAndWait(page, "Who built a wooden tower on the Eddystone?");
    const styles = await page.evaluate(() => {
      const of = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo);
      return {
        filled: of(".bar", "::before").backgroundColor !== of(".bar").backgroundColor,
        outlined: of(".candidate[aria-current]").outlineStyle,
        marked: of("blockquote mark").backgroundColor !== of("blockquote").backgroundColor,
        answer: getComputedStyle(document.querySelector(".block"), "::highlight(answer)").backgroundColor,
        plain: of(".block").backgroundColor,
      };
    });
    assert.equal(styles.filled, true);
    assert.equal(styles.outlined, "solid");
    assert.equal(styles.marked, true);
    assert.notEqual(styles.answer, styles.plain);
    assert.deepEqual(await violations(page), []);
  }));

test("With reduced motion nothing moves by itself", () =>
  withPage(browser, { reducedMotion: "reduce" }, async ({ page, server }) => {
    await paste(page, `${"A gate here. ".repeat(1)}${"Words between them. ".repeat(120)} A gate there.`);
    server.plan.push({ delay: 600 });
    await page.fill("#question", 'Where is a "gate"?');
    await page.press("#question", "Enter");
    await page.waitForSelector(".reading");
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.waitForSelector(".answer");
    const before = await page.evaluate(() => document.getElementById("reading").scrollTop);
    await page.locator(".candidate").nth(1).click();
    const at = await page.evaluate(() => document.getElementById("reading").scrollTop);
    await page.waitForTimeout(400);
    assert.notEqual(at, before);
    assert.equal(await page.evaluate(() => document.getElementById("reading").scrollTop), at, "it jumped at once");
  }));

test("What is found is told to those who do not see it", () =>
  withPage(browser, {}, async ({ page }) => {
    await paste(page, "The key is under the stone. The gate is open.");
    const said = [];
    await page.exposeFunction("heard", (words) => said.push(words));
    await page.evaluate(() => {
      const region = document.getElementById("announcer");
      new MutationObserver(() => region.textContent && window.heard(region.textContent)).observe(region, { childList: true });
    });
    await askAndWait(page, 'What is "under the stone"?');
    await page.waitForTimeout(150);
    assert.deepEqual(said, ["under the stone, 93%. In: The key is under the stone."]);
    assert.equal(await page.getAttribute("#announcer", "aria-live"), "polite");
  }));
