// Pictures of every state, for people to look at: npm run screenshots, then test/screenshots/.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startBrowser, withPage } from "./page.mjs";
import { states } from "./states.mjs";

const kFolder = fileURLToPath(new URL("screenshots/", import.meta.url));
const kPhone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const kWays = {
  light: { viewport: { width: 1360, height: 860 } },
  dark: { viewport: { width: 1360, height: 860 }, colorScheme: "dark" },
  phone: kPhone,
  "phone-dark": { ...kPhone, colorScheme: "dark" },
  small: { viewport: { width: 320, height: 640 } },
  forced: { viewport: { width: 1360, height: 860 }, forcedColors: "active" },
};

mkdirSync(kFolder, { recursive: true });
const wanted = process.argv.slice(2);
const browser = await startBrowser();
for (const [way, options] of Object.entries(kWays)) {
  if (wanted.length > 0 && !wanted.includes(way)) continue;
  for (const [name, reach] of Object.entries(states)) {
    await withPage(browser, { ...options, refusals: true }, async ({ page, server }) => {
      await reach(page, server);
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${kFolder}${way}-${name.replaceAll(" ", "-")}.png` });
    });
  }
}
await browser.close();
