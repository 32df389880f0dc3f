// docs/dashboards/grafana.json: each of its queries finds series of the virtual printer.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseMetrics } from '../../support/metrics-text.ts'
import { sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

/** Labels that a scrape adds. */
const OF_SCRAPE = '{job="$job",instance="$instance"}'

test('every query of the example dashboard finds series', async () => {
  const file = new URL('../../../docs/dashboards/grafana.json', import.meta.url)
  const { panels } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  assert.ok(queries.length > 10)
  await using rig = await startRig({ conf: '[metrics]' })
  const metrics = parseMetrics((await sendRequest(rig.port, '/metrics')).body, 'text')
  for (const query of queries) {
    assert.ok(query.endsWith(OF_SCRAPE), query)
    assert.ok(metrics.find(query.slice(0, -OF_SCRAPE.length)).length > 0, query)
  }
})
