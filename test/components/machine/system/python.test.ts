// The Python of an environment, by its settings or by its folders.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hardware } from '../../../../src/components/machine/system/hardware.ts'
import { MachineReader } from '../../../../src/components/machine/system/index.ts'
import { readPython } from '../../../../src/components/machine/system/python.ts'
import { MachineFolder } from '../../../support/machine-folder.ts'
import { computerOf, type Tree } from './machines.ts'

const FOLDER = '/home/pi/klippy-env'
const PYTHON = `${FOLDER}/bin/python`
const NOTHING = { version: [], version_string: '' }

const environments: readonly (readonly [
  what: string,
  tree: Tree,
  version: readonly (number | string)[],
  text: string,
])[] = [
  [
    'of virtualenv',
    { [`${FOLDER}/pyvenv.cfg`]: 'home = /usr/bin\nversion_info = 3.11.2.final.0\nvirtualenv = 20.17.1\n' },
    [3, 11, 2, 'final', 0],
    '3.11.2',
  ],
  [
    'of venv',
    { [`${FOLDER}/pyvenv.cfg`]: 'home = /usr/bin\nversion = 3.9.2\n' },
    [3, 9, 2, 'final', 0],
    '3.9.2',
  ],
  [
    'of uv, before a release',
    { [`${FOLDER}/pyvenv.cfg`]: 'uv = 0.4.1\nversion_info = 3.13.0rc1\n' },
    [3, 13, 0, 'candidate', 1],
    '3.13.0rc1',
  ],
  [
    'of virtualenv, before a release',
    { [`${FOLDER}/pyvenv.cfg`]: 'version_info = 3.14.0.beta.3\n' },
    [3, 14, 0, 'beta', 3],
    '3.14.0b3',
  ],
  ['without settings', { [`${FOLDER}/lib/python2.7/site.py`]: '' }, [2, 7], '2.7'],
  [
    'with settings without facts',
    { [`${FOLDER}/pyvenv.cfg`]: 'version = unknown\n', [`${FOLDER}/lib/python3.7/site.py`]: '' },
    [3, 7],
    '3.7',
  ],
  ['that is not there', {}, [], ''],
]

for (const [what, tree, version, version_string] of environments) {
  test(`an environment ${what}`, async () => {
    using machine = new MachineFolder(tree)
    assert.deepEqual(await readPython(machine.files, PYTHON), { version, version_string })
  })
}

test('the Python of the system, by where its links lead', async () => {
  using machine = new MachineFolder({ '/usr/bin/python3.12': '' })
  machine.link('/usr/bin/python3', 'python3.12')
  machine.link('/usr/local/bin/python', '/usr/bin/python3')
  const files = machine.files
  assert.deepEqual(await readPython(files, '/usr/local/bin/python'), {
    version: [3, 12],
    version_string: '3.12',
  })
})

test('links in a circle end', async () => {
  using machine = new MachineFolder()
  machine.link('/usr/bin/python', 'python3')
  machine.link('/usr/bin/python3', 'python')
  assert.deepEqual(await readPython(machine.files, '/usr/bin/python'), NOTHING)
})

test('the last path that Klippy reported stays; before that it is the usual place', async () => {
  using machine = new MachineFolder({
    '/home/pi/klippy-env/pyvenv.cfg': 'version = 3.9.2\n',
    '/opt/klippy/pyvenv.cfg': 'version = 3.12.3\n',
  })
  let reported: unknown
  const hardware = new Hardware({ root: machine.root, computer: computerOf('arm', 'armv7l') })
  const reader = new MachineReader(hardware, () => reported)
  const version = async () => (await reader.read()).python.version_string
  assert.equal(await version(), '3.9.2')
  reported = '/opt/klippy/bin/python'
  assert.equal(await version(), '3.12.3')
  reported = undefined
  assert.equal(await version(), '3.12.3')
  for (const nonsense of [5, null, {}, ['/opt/klippy/bin/python']]) {
    reported = nonsense
    assert.equal(await version(), '3.12.3')
  }
  for (const path of ['python3', '', `/opt/\0`, '/'.repeat(10_000)]) {
    reported = path
    assert.notEqual(await version(), '3.12.3')
  }
})
