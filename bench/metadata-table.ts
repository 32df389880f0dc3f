// Prints how scans of real files compare with recorded results of the original scanner, file by field.
// Usage: node bench/metadata-table.ts FOLDER, where FOLDER holds files/NAME, golden/NAME.json and NAME.objects.json.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Verdict } from '../test/components/metadata/golden.ts'
import { compare, goldenFiles } from '../test/components/metadata/golden.ts'

const [folder] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node bench/metadata-table.ts FOLDER')
  process.exit(2)
}

const totals = { equal: 0, better: 0, different: 0 }

function print(name: string, mode: string, verdicts: readonly Verdict[]): void {
  const count = (verdict: Verdict['verdict']) => verdicts.filter(one => one.verdict === verdict).length
  for (const { verdict } of verdicts) totals[verdict]++
  console.log(
    `${name} (${mode}): ${count('equal')} equal, ${count('better')} better, ${count('different')} different`,
  )
  for (const one of verdicts) {
    if (one.verdict === 'equal') continue
    const reason = one.verdict === 'better' ? ` (${one.reason})` : ''
    console.log(
      `  ${one.verdict} ${one.field}: ${JSON.stringify(one.was)} -> ${JSON.stringify(one.is)}${reason}`,
    )
  }
}

const work = mkdtempSync(join(tmpdir(), 'metadata-table-'))
try {
  for (const name of goldenFiles(folder)) {
    for (const mode of ['plain', 'objects'] as const)
      print(name, mode, await compare(folder, name, mode, work))
  }
} finally {
  rmSync(work, { recursive: true })
}
console.log(`all: ${totals.equal} equal, ${totals.better} better, ${totals.different} different`)
