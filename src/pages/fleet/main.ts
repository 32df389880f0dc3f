// The page of a fleet: the page of many printers with those of a hub, a selection, the list of jobs, and codes for new
// printers.
import { confirmed } from '../printers/dialogs.ts'
import { Page, showProblem } from '../printers/page.ts'
import type { Command } from '../printers/source.ts'
import { apiBase } from '../shared/address.ts'
import { byId, messageOf, setText } from '../shared/dom.ts'
import { HubSource } from './fleet-source.ts'
import { JobList } from './jobs.ts'
import { addPrinter, orderPrints } from './orders.ts'

const source = new HubSource(apiBase().href)
const chosen = new Set<string>()
const report = (error: unknown) => showProblem(messageOf(error))

function showChosen(): void {
  byId('chosen', HTMLElement).hidden = chosen.size === 0
  setText(byId('chosen-count', HTMLElement), `${chosen.size} selected`)
}

const page = new Page(source, {
  has: id => chosen.has(id),
  set(id, isChosen) {
    if (isChosen) chosen.add(id)
    else chosen.delete(id)
    showChosen()
  },
})

function choose(ids: readonly string[]): void {
  chosen.clear()
  for (const id of ids) chosen.add(id)
  showChosen()
  page.show()
}

/** Sends a command to the selected printers; reports how many refused. */
async function commandChosen(command: Command): Promise<void> {
  const ids = [...chosen]
  const results = await Promise.allSettled(ids.map(id => source.command(id, command)))
  const failures = results.filter(result => result.status === 'rejected')
  const [first] = failures
  if (first === undefined) return
  showProblem(`${failures.length} of ${ids.length} printers: ${messageOf(first.reason)}`)
}

async function cancelChosen(): Promise<void> {
  const title = `Cancel the prints of ${chosen.size} printers?`
  const text = 'The prints end and cannot be continued.'
  if (await confirmed({ title, text, action: 'Cancel the prints' })) await commandChosen('cancel')
}

const jobs = new JobList(byId('jobs', HTMLElement), {
  source,
  nameOf: id => page.rowOf(id)?.name ?? id.slice(0, 8),
  report,
})

function onClick(id: string, run: () => unknown): void {
  byId(id, HTMLElement).addEventListener('click', () => void run())
}

onClick('login', () => page.start())
onClick('add', () => addPrinter(source).catch(report))
onClick('print', () => orderPrints(source, { printers: null }, () => void jobs.refresh()))
onClick('show-jobs', () => {
  byId('show-jobs', HTMLElement).setAttribute('aria-expanded', String(jobs.toggle()))
})
onClick('chosen-all', () => choose(page.shownIds))
onClick('chosen-none', () => choose([]))
onClick('chosen-pause', () => commandChosen('pause'))
onClick('chosen-cancel', cancelChosen)
onClick('chosen-print', () =>
  orderPrints(source, { printers: [...chosen] }, () => {
    choose([])
    void jobs.refresh()
  }),
)
page.start().catch(report)
