// The unit files that docs/install.md has people install, checked by systemd.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { absent } from './support/program.ts'

const SYSTEMD_ANALYZE = 'systemd-analyze'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const UNIT = 'packaging/systemd/moonraker.service'
const WORKSHOP = 'packaging/systemd/moonraker-workshop.service'
const IN_PLACE = 'packaging/systemd/moonraker.service.d/moonraker-ts.conf'
const WITH_SUDO = 'packaging/systemd/with-sudo.conf'

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
    assert.equal(verify(read(WORKSHOP)), '')
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
