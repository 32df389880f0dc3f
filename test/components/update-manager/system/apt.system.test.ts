// System packages with the real apt, in a folder of its own with a local repository.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { missingRights } from '../../../../src/components/machine/services/rights.ts'
import { Sudo } from '../../../../src/components/machine/services/sudo.ts'
import { Apt } from '../../../../src/components/update-manager/system/apt.ts'
import { SystemPackages } from '../../../../src/components/update-manager/system/system-packages.ts'
import { SystemUpdater } from '../../../../src/components/update-manager/system/system-updater.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { AptFolder, withoutApt } from '../../../support/apt-folder.ts'
import { fakePrograms } from '../../machine/fake-programs.ts'
import { UpdaterBench } from '../updater-bench.ts'

const KILL_ROUNDS = Number(process.env.KILL_ROUNDS ?? 1)
/** Milliseconds until the kill, at most. */
const LONGEST = 600
const { signal } = new AbortController()
const sudo = new Sudo({ isRoot: true, clock: systemClock, signal, onChange: () => undefined })
const apt = new Apt(sudo)

/** A run that keeps the lines of apt. */
function recorder() {
  const lines: string[] = []
  return { lines, signal, message: (text: string) => void lines.push(text) }
}

/** The entry system, without PackageKit. */
function openSystem({ core }: UpdaterBench): SystemUpdater {
  const bus = { connect: () => Promise.reject(new Error('D-Bus is not used')), missingRights }
  return new SystemUpdater(new SystemPackages({ sudo, bus, usePackageKit: false, signal }), core)
}

suite('apt', { skip: withoutApt }, () => {
  test('packages are listed and upgraded', async () => {
    using system = new AptFolder()
    await using bench = await UpdaterBench.start()
    system.publish({ name: 'libone', version: '1.0' })
    system.publish({ name: 'libtwo', version: '1.0' })
    system.install('libone', 'libtwo')
    system.publish({ name: 'libone', version: '2.0' })
    const updater = openSystem(bench)
    assert.deepEqual(await bench.refreshed(updater), {
      name: 'system',
      configured_type: 'system',
      package_count: 1,
      package_list: ['libone'],
      preview: { version: '?', commits: null, size: null, packages: ['libone'], services: [] },
    })
    const { lines, error } = await bench.update(updater)
    assert.equal(error, null)
    assert.equal(lines[0], 'Updating packages...')
    assert.equal(lines.at(-1), '*Package update finished...')
    assert.ok(lines.includes('Setting up libone (2.0) ...'), lines.join('\n'))
    assert.equal(system.installed('libone'), '2.0')
    assert.equal(system.installed('libtwo'), '1.0')
    assert.deepEqual(updater.stored(), { packages: [] })
    assert.deepEqual(await bench.update(updater), { lines: [], error: null })
  })

  test('a failed upgrade is an error, and can be repeated', async () => {
    using system = new AptFolder()
    await using bench = await UpdaterBench.start()
    system.publish({ name: 'libone', version: '1.0' })
    system.install('libone')
    system.publish({ name: 'libone', version: '2.0' })
    const updater = openSystem(bench)
    await bench.refreshed(updater)
    writeFileSync(join(system.folder, 'repo/libone_2.0_all.deb'), 'damaged')
    const { lines, error } = await bench.update(updater)
    assert.equal(error?.message, 'Error updating system packages')
    assert.ok(
      lines.some(line => line.startsWith('E: ')),
      lines.join('\n'),
    )
    assert.equal(system.installed('libone'), '1.0')
    system.publish({ name: 'libone', version: '3.0' })
    assert.equal((await bench.update(updater)).error, null)
    assert.equal(system.installed('libone'), '3.0')
  })

  test('an installation that was interrupted is finished first', async () => {
    using system = new AptFolder()
    system.publish({ name: 'libone', version: '1.0' })
    // dpkg keeps its journal there.
    writeFileSync(system.dpkg('updates/0000'), 'Package: libone\n')
    const run = recorder()
    await apt.refresh(run)
    await apt.install(['libone'], run)
    assert.ok(run.lines.includes('Finishing an installation that was interrupted...'))
    assert.equal(system.installed('libone'), '1.0')
  })

  test('packages whose dependencies are missing are repaired first', async () => {
    using system = new AptFolder()
    system.publish({ name: 'libone', version: '1.0' })
    system.publish({ name: 'tool', version: '1.0', depends: 'libone' })
    system.publish({ name: 'other', version: '1.0' })
    system.install('tool')
    execFileSync('dpkg', ['--force-depends', '--remove', 'libone'], { stdio: 'ignore' })
    const run = recorder()
    await apt.install(['other'], run)
    assert.ok(run.lines.includes('Repairing packages whose dependencies are missing...'))
    assert.equal(system.installed('libone'), '1.0')
    assert.equal(system.installed('other'), '1.0')
  })

  test(`an upgrade can be run again after a kill, ${KILL_ROUNDS} times`, async () => {
    using system = new AptFolder()
    const names = Array.from({ length: 8 }, (_, number) => `lib${number}`)
    const publish = (version: string) => {
      for (const name of names) system.publish({ name, version })
    }
    publish('0')
    system.install(...names)
    for (let round = 1; round <= KILL_ROUNDS; round += 1) {
      publish(String(round))
      await apt.refresh(recorder())
      const kill = new AbortController()
      const upgrade = apt.upgrade({ ...recorder(), signal: kill.signal }).catch(() => undefined)
      await Promise.race([setTimeout(randomInt(LONGEST)), upgrade])
      kill.abort()
      await upgrade
      const run = recorder()
      await apt.upgrade(run)
      for (const name of names) assert.equal(system.installed(name), String(round), run.lines.join('\n'))
      assert.deepEqual(await apt.upgradable(signal), [])
    }
  })

  test('only packages of the repository are known', async () => {
    using system = new AptFolder()
    system.publish({ name: 'libone', version: '1.0' })
    system.publish({ name: 'libstdc++6', version: '1.0' })
    await apt.refresh(recorder())
    const names = ['libone', 'libstdc++6', 'libnone', '-o', 'lib', '$(reboot)']
    assert.deepEqual(await apt.known(names, signal), ['libone', 'libstdc++6'])
  })

  test('a list that cannot be refreshed stays as it was', async () => {
    using _system = new AptFolder()
    await using bench = await UpdaterBench.start()
    const updater = openSystem(bench)
    updater.restore({ packages: ['libone'] })
    using _ = fakePrograms({ 'apt-get': 'echo "E: no network" >&2; exit 100' })
    await bench.refreshed(updater)
    assert.deepEqual(updater.stored(), { packages: ['libone'] })
    assert.match(bench.rig.log.join('\n'), /system packages cannot be refreshed: E: no network/)
  })
})

test('a machine without a package manager is a warning', async () => {
  await using bench = await UpdaterBench.start()
  const updater = openSystem(bench)
  using _ = fakePrograms({}, { alone: true })
  await bench.refreshed(updater)
  assert.match(bench.core.warnings.list().join('\n'), /neither PackageKit nor apt/)
  assert.deepEqual(await bench.update(updater), { lines: [], error: null })
})
