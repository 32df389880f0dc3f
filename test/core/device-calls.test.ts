// The calls for device files without the package koffi, as in an installation that does not have it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('without the package koffi the error names it, and what needs it', () => {
  const url = JSON.stringify(new URL('../../src/core/device-calls.ts', import.meta.url).href)
  const program = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(name, context, next) {
        if (name === 'koffi') throw new Error("Cannot find package 'koffi'")
        return next(name, context)
      },
    })
    const { loadDeviceCalls } = await import(${url})
    await loadDeviceCalls('GPIO pins').catch(error => console.log(error.message))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  assert.equal(output.trim(), "GPIO pins need the package koffi: install it (Cannot find package 'koffi')")
})
