// What docs/install.md has people install: that systemd and polkit understand it, and that it fits the program.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { readCommandLine } from '../src/app/command-line.ts'
import { SHUTDOWN_ACTIONS } from '../src/components/machine/services/provider.ts'
import { allRights } from '../src/components/machine/services/rights.ts'
import { PACKAGEKIT_RIGHTS } from '../src/components/update-manager/system/packagekit.ts'
import { absent } from './support/program.ts'

const SYSTEMD_ANALYZE = 'systemd-analyze'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const UNIT = 'packaging/systemd/moonraker.service'
const WORKSHOP = 'packaging/systemd/moonraker-workshop.service'
const IN_PLACE = 'packaging/systemd/moonraker.service.d/moonraker-ts.conf'
const WITH_SUDO = 'packaging/systemd/with-sudo.conf'
const RULES = 'packaging/polkit/moonraker-ts.rules'

const GUIDE = read('docs/install.md')
const MANIFEST = JSON.parse(read('package.json')) as {
  readonly engines: { readonly node: string }
  readonly bin: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

/** A unit as Moonraker's installer writes it, in words of our own. */
const ORIGINAL = `[Unit]
Description=API server
Requires=network-online.target
After=network-online.target
[Service]
Type=simple
User=pi
SupplementaryGroups=moonraker-admin
RemainAfterExit=yes
EnvironmentFile=/home/pi/printer_data/systemd/moonraker.env
ExecStart=/home/pi/moonraker-env/bin/python $MOONRAKER_ARGS
Restart=always
[Install]
WantedBy=multi-user.target
`

/** The problems that systemd finds in a unit with drop-ins; empty without problems. */
function verify(unit: string, ...dropIns: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'units-'))
  try {
    writeFileSync(join(folder, 'moonraker.service'), unit)
    mkdirSync(join(folder, 'moonraker.service.d'))
    dropIns.forEach((text, index) => {
      writeFileSync(join(folder, 'moonraker.service.d', `${index}.conf`), text)
    })
    const args = ['verify', join(folder, 'moonraker.service')]
    const { status, stdout, stderr } = spawnSync(SYSTEMD_ANALYZE, args, { encoding: 'utf8' })
    return `${stdout}${stderr}${status === 0 ? '' : `ended with ${status}`}`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

suite('unit files', { skip: absent(SYSTEMD_ANALYZE) }, () => {
  test('the unit is one, alone and with sudo', () => {
    assert.equal(verify(read(UNIT)), '')
    assert.equal(verify(read(UNIT), read(WITH_SUDO)), '')
    assert.equal(verify(read('packaging/systemd/moonraker-workshop.service')), '')
  })

  test("the drop-in makes Moonraker's unit ours", () => {
    assert.match(verify(ORIGINAL), /moonraker-env\/bin\/python is not executable/)
    assert.equal(verify(ORIGINAL, read(IN_PLACE)), '')
  })

  test('the units are exposed to attacks at most as much as 3.2 of 10, by the points of systemd', () => {
    for (const unit of [UNIT, WORKSHOP]) {
      const args = ['security', '--offline=true', '--threshold=32', join(root, unit)]
      const { status, stdout } = spawnSync(SYSTEMD_ANALYZE, args, { encoding: 'utf8' })
      assert.equal(status, 0, stdout.split('\n').slice(-3).join('\n'))
    }
  })

  test('what is wrong in a unit is noticed', () => {
    assert.match(verify(read(UNIT).replace('RestartSec=10', 'RestartSec=soon')), /Failed to parse/)
    assert.match(verify(ORIGINAL, read(IN_PLACE).replace('ExecStart=\n', '')), /more than one ExecStart/)
  })
})

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
