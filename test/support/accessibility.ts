// Checks the accessibility of a page in a browser.
import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** What axe-core finds wrong with the accessibility of the page. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  return page.evaluate<string[]>(`axe.run().then(({ violations }) => violations.flatMap(
    ({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))`)
}
