// [power NAME] of type uhubctl, with a program in place of uhubctl that keeps the state of the ports in a file.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fakePrograms } from '../machine/fake-programs.ts'
import { initialised, startScene } from './scene.ts'

/** Ports 1 and 2 of hub 1-1, and another hub, whose port is off. */
const UHUBCTL = `
echo "$*" >> "$HERE/calls"
[ -e "$HERE/fails" ] && { echo "No compatible devices detected at location 1-1!" >&2; exit 1; }
state=$(cat "$HERE/state" 2>/dev/null || echo on)
show() {
  echo "$1 status for hub 1-10 [0000:0000, USB 2.00, 1 ports]"; echo "  Port 2: 0000 off"
  echo "$1 status for hub 1-1 [0424:9514, USB 2.00, 5 ports, ppps]"
  case "$*" in *-p*) ;; *) echo "  Port 1: 0100 power";; esac
  if [ "$state" = on ]; then echo "  Port 2: 0503 power highspeed enable connect [0424:ec00]"; else echo "  Port 2: 0000 off"; fi
}
show Current "$@"
case "$*" in
  *"-a on"*) state=on;;
  *"-a off"*) state=off;;
  *) exit 0;;
esac
echo $state > "$HERE/state"
echo "Sent power $state request"
show New "$@"
`

const section = '[power hub]\ntype: uhubctl\nlocation: 1-1\nport: 2\n'

test('a port is read and switched', async () => {
  using programs = fakePrograms({ uhubctl: UHUBCTL })
  await using scene = await startScene(section)
  await initialised(scene)
  assert.deepEqual(await scene.states(), { hub: 'on' })
  assert.deepEqual((await scene.act('hub', 'off')).result, { hub: 'off' })
  assert.deepEqual((await scene.act('hub', 'toggle')).result, { hub: 'on' })
  assert.deepEqual(programs.calls(), [
    '-l 1-1 -p 2',
    '-l 1-1 -p 2',
    '-l 1-1 -p 2 -a off',
    '-l 1-1 -p 2',
    '-l 1-1 -p 2 -a on',
  ])
})

test('a program that fails is an error with its reason in the log', async () => {
  using programs = fakePrograms({ uhubctl: UHUBCTL })
  await using scene = await startScene(section)
  await initialised(scene)
  writeFileSync(join(programs.folder, 'fails'), '')
  assert.deepEqual((await scene.act('hub', 'off')).error, {
    code: 400,
    message: 'Power Device hub: Error turning device off',
  })
  assert.match(scene.rig.log.join('\n'), /uhubctl: No compatible devices detected/)
})

test('without the program the section is left out', async () => {
  using _ = fakePrograms({}, { alone: true })
  await using scene = await startScene(section)
  const warnings = await scene.warnings()
  assert.ok(warnings.some(text => text.includes('section [power hub] needs the program uhubctl')))
})
