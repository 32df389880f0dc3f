// A strict parser of the two text formats of metrics: what it accepts, Prometheus accepts.
import assert from 'node:assert/strict'

/** One series. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A parsed document. */
export class Metrics {
  readonly series: readonly Series[]
  /** Types by family. */
  readonly types: ReadonlyMap<string, string>

  constructor(series: readonly Series[], types: ReadonlyMap<string, string>) {
    this.series = series
    this.types = types
  }

  /** The series of a name, with at least these labels. */
  find(name: string, labels: Readonly<Record<string, string>> = {}): Series[] {
    return this.series.filter(
      each =>
        each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
    )
  }

  /** The value of the only such series; undefined without one. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const found = this.find(name, labels)
    assert.ok(found.length <= 1, `${found.length} series of ${name}`)
    return found[0]?.value
  }
}

const SERIES = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y
const NUMBER = /^(?:[+-]?Inf|NaN|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i
const TYPES = {
  text: /^(?:gauge|counter|histogram|summary|untyped)$/,
  openmetrics: /^(?:gauge|counter|histogram|summary|unknown)$/,
}

/** Parses a document; fails for one that is not valid in `format`. */
export function parseMetrics(text: string, format: 'text' | 'openmetrics'): Metrics {
  assert.ok(text.endsWith(format === 'openmetrics' ? '# EOF\n' : '\n'), 'the end of the document')
  const lines = text.trimEnd().split('\n')
  if (format === 'openmetrics') lines.pop()
  const types = new Map<string, string>()
  const helps = new Set<string>()
  const seen = new Set<string>()
  const series: Series[] = []
  let [family, type] = ['', '']
  const isTotal = (of: string) => format === 'openmetrics' && of === 'counter'
  for (const line of lines) {
    const [, keyword, name = '', rest = ''] =
      /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      assert.ok(!helps.has(name), `two helps of ${name}`)
      helps.add(name)
    } else if (keyword === 'TYPE') {
      assert.ok(!types.has(name), `two types of ${name}`)
      assert.match(rest, TYPES[format])
      types.set(name, rest)
      ;[family, type] = [name, rest]
    } else {
      const parsed = parseSeries(line)
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [isTotal(type) ? '_total' : '']
      assert.ok(suffixes.includes(parsed.name.slice(family.length)), `outside its family: ${line}`)
      assert.ok(parsed.name.startsWith(family), `outside its family: ${line}`)
      const key = JSON.stringify([
        parsed.name,
        Object.keys(parsed.labels)
          .sort()
          .map(label => [label, parsed.labels[label]]),
      ])
      assert.ok(!seen.has(key), `twice: ${line}`)
      seen.add(key)
      series.push(parsed)
    }
  }
  assert.deepEqual([...helps], [...types.keys()])
  return new Metrics(series, types)
}

function parseSeries(line: string): Series {
  const [, name = '', labelText = '', value = ''] = SERIES.exec(line) ?? assert.fail(`not a series: ${line}`)
  assert.match(value, NUMBER, line)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  for (let end = 0; end < labelText.length; end = LABEL.lastIndex) {
    const [, key = '', escaped = ''] = LABEL.exec(labelText) ?? assert.fail(`labels: ${line}`)
    assert.ok(!Object.hasOwn(labels, key), `label ${key} twice: ${line}`)
    labels[key] = escaped.replace(/\\(.)/g, (_, char) => (char === 'n' ? '\n' : char))
  }
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
}
