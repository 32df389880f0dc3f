// What docs/install.md has people install: that polkit understands it, and that it fits the program.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { readCommandLine } from '../src/app/command-line.ts'
import { SHUTDOWN_ACTIONS } from '../src/components/machine/services/provider.ts'
import { allRights } from '../src/components/machine/services/rights.ts'
import { PACKAGEKIT_RIGHTS } from '../src/components/update-manager/system/packagekit.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const UNIT = 'packaging/systemd/moonraker.service'
const IN_PLACE = 'packaging/systemd/moonraker.service.d/moonraker-ts.conf'
const WITH_SUDO = 'packaging/systemd/with-sudo.conf'
const RULES = 'packaging/polkit/moonraker-ts.rules'

const GUIDE = read('docs/install.md')
const MANIFEST = JSON.parse(read('package.json')) as {
  readonly engines: { readonly node: string }
  readonly bin: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** The command that a unit file starts. */
function command(path: string): string[] {
  const lines = [...read(path).matchAll(/^ExecStart=(.+)$/gm)].map(([, line]) => line as string)
  assert.equal(lines.length, 1, path)
  return lines.join().split(' ')
}

test('what the units start is this program, with options that it has', () => {
  const built = MANIFEST.bin['moonraker-ts']!.replace('./', '')
  for (const path of [UNIT, IN_PLACE]) {
    const [env, node, program, ...args] = command(path)
    assert.deepEqual([env, node, program], ['/usr/bin/env', 'node', `/opt/moonraker-ts/${built}`], path)
    assert.equal(readCommandLine(args, {}).dataPath, '/home/pi/printer_data')
  }
})

test('with sudo nothing is left that the unit takes away from it', () => {
  const taken = [...read(UNIT).matchAll(/^(NoNew|Capab|Protect|Lock|Restrict|SystemCall)\w*=/gm)].map(
    ([key]) => key,
  )
  // ProtectHostname too implies NoNewPrivileges for a unit with a user (systemd.exec(5)).
  assert.ok(taken.length > 10)
  const given = [...read(WITH_SUDO).matchAll(/^\w+=/gm)].map(([key]) => key)
  assert.deepEqual(given.sort(), taken.sort())
})

test('the polkit rule grants what the server needs, to the group, and nothing else', () => {
  type Rule = (action: object, subject: object) => string | undefined
  const rules: Rule[] = []
  const polkit = { addRule: (rule: Rule) => rules.push(rule), Result: { YES: 'yes' } }
  runInContext(read(RULES), createContext({ polkit }))
  assert.equal(rules.length, 1)
  const decide = (id: string, groups: readonly string[]) =>
    rules[0]!({ id }, { isInGroup: (group: string) => groups.includes(group) })
  const group = /^SupplementaryGroups=(.+)$/m.exec(read(UNIT))![1] as string
  const needed = [...allRights(SHUTDOWN_ACTIONS), ...PACKAGEKIT_RIGHTS]
  for (const right of needed) {
    assert.equal(decide(right, [group]), 'yes', right)
    assert.equal(decide(right, ['users']), undefined, right)
  }
  const granted = [...read(RULES).matchAll(/'(org\.[^']+)'/g)].map(([, id]) => id as string)
  assert.deepEqual(new Set(granted), new Set(needed))
  for (const other of ['org.freedesktop.systemd1.manage-unit-files', 'org.freedesktop.policykit.exec']) {
    assert.equal(decide(other, [group]), undefined)
  }
})

test('the guide names every file that is installed, and no other', () => {
  const named = [...GUIDE.matchAll(/packaging\/(?:polkit|systemd)\/[\w./-]+\.(?:service|conf|rules)/g)].map(
    ([path]) => path,
  )
  const files = globSync('packaging/{polkit,systemd}/**/*.*', { cwd: root }).filter(
    path => !path.endsWith('.d'),
  )
  assert.deepEqual([...new Set(named)].sort(), files.sort())
  for (const [, link] of GUIDE.matchAll(/\]\(([\w-]+\.md)/g))
    assert.ok(existsSync(join(root, 'docs', link!)), link)
})

test('the guide names the Node, the packages and the paths that the program needs', () => {
  const { node } = MANIFEST.engines
  const version = node.replace('>=', '')
  assert.ok(GUIDE.includes(`Node ${version} or later`), node)
  assert.ok(GUIDE.includes(`https://nodejs.org/dist/latest-v${version.split('.')[0]}.x/`))
  assert.ok(GUIDE.includes(`koffi@${MANIFEST.optionalDependencies.koffi}`))
  for (const path of ['/opt/moonraker-ts/dist/moonraker.cjs', '/home/pi/printer_data']) {
    assert.ok(GUIDE.includes(path), path)
  }
})
