import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MultipartParser } from '../../../src/components/files/upload/multipart-parser.ts'
import { BOUNDARY, formBody, type Part, TYPE } from './form.ts'

/** Parses a form in chunks of `size` bytes; returns each part as [name, filename, content]. */
function read(body: Buffer, size = body.length, type = TYPE) {
  const parts: [string, string | null, string][] = []
  const form = new MultipartParser(type, ({ name, filename }) => {
    const chunks: Buffer[] = []
    return {
      write: bytes => void chunks.push(Buffer.from(bytes)),
      end: () => void parts.push([name, filename, Buffer.concat(chunks).toString('latin1')]),
    }
  })
  for (let start = 0; start < body.length; start += size) form.write(body.subarray(start, start + size))
  form.end()
  return parts
}

const headerOf = (part: Part) => read(formBody([part]))[0]?.slice(0, 2)

/** File content that resembles boundaries. */
const TRICKY = [
  '\r',
  '\r\n',
  '\r\r\n',
  '\r\n--',
  '\r\n-\r\n--',
  `\r\n--${BOUNDARY.slice(0, -1)}`,
  `\r\n\r\n--${BOUNDARY.slice(0, 5)}\r\n`,
  `--${BOUNDARY}`,
  '\0\r\n\0',
].join('x')

test('the chunk size does not change the result', () => {
  const parts: Part[] = [
    { name: 'root', body: 'config' },
    { filename: 'a.gcode', headers: ['Content-Type: application/octet-stream'], body: TRICKY },
    { name: 'empty' },
  ]
  const expected = [
    ['root', null, 'config'],
    ['file', 'a.gcode', TRICKY],
    ['empty', null, ''],
  ]
  const body = formBody(parts)
  for (let size = 1; size <= body.length; size += 1)
    assert.deepEqual(read(body, size), expected, `cut to ${size}`)
})

test('what is before the first boundary is skipped', () => {
  const body = formBody([{ name: 'a', body: 'b' }]).toString()
  for (const preamble of [
    '\r\n',
    'text\r\n\r\n',
    `-\r\n--${BOUNDARY.slice(0, -1)}\r\n`,
    `--x--${BOUNDARY}\r\n`,
  ]) {
    const bytes = Buffer.from(`${preamble}${body}`)
    for (let size = 1; size <= bytes.length; size += 1)
      assert.deepEqual(read(bytes, size), [['a', null, 'b']])
  }
})

test('names of parts as browsers, curl, .NET and Python write them', () => {
  assert.deepEqual(headerOf({ filename: 'a%22b%0Ac.gcode' }), ['file', 'a"b\nc.gcode'])
  assert.deepEqual(headerOf({ filename: 'a\\"b\\\\c.gcode' }), ['file', 'a"b\\c.gcode'])
  assert.deepEqual(headerOf({ filename: '100%.gcode' }), ['file', '100%.gcode'])
  assert.deepEqual(headerOf({ filename: 'Hülle 🚀.gcode' }), ['file', 'Hülle 🚀.gcode'])
  assert.deepEqual(headerOf({ disposition: 'form-data; name=file; filename=a.gcode' }), ['file', 'a.gcode'])
  assert.deepEqual(headerOf({ disposition: 'form-data; name="file"; filename="a.gcode"; ' }), [
    'file',
    'a.gcode',
  ])
  assert.deepEqual(headerOf({ disposition: 'FORM-DATA; FileName="a.gcode"; NAME="file"' }), [
    'file',
    'a.gcode',
  ])
  assert.deepEqual(
    headerOf({ disposition: `form-data; name=file; filename=a.gcode; filename*=utf-8''a.gcode` }),
    ['file', 'a.gcode'],
  )
  assert.deepEqual(
    headerOf({
      disposition: `form-data; name=file; filename="=?utf-8?B?w7wuZ2NvZGU=?="; filename*=utf-8''%C3%BC.gcode`,
    }),
    ['file', 'ü.gcode'],
  )
  for (const plain of ['%C3%BC%20ber%3F.gcode', '_ ber_.gcode', '? ber?.gcode', 'u ber?.gcode']) {
    const disposition = `form-data; name="file"; filename="${plain}"; filename*=utf-8''%C3%BC%20ber%3F.gcode`
    assert.deepEqual(headerOf({ disposition }), ['file', 'ü ber?.gcode'], plain)
  }
  assert.deepEqual(headerOf({ disposition: 'form-data;\r\n name="file";\r\n\tfilename="a.gcode"' }), [
    'file',
    'a.gcode',
  ])
  const latin1 = Buffer.from(
    formBody([{ filename: 'H_lle.gcode' }])
      .toString('latin1')
      .replace('H_lle', 'Hülle'),
    'latin1',
  )
  assert.deepEqual(read(latin1)[0]?.slice(0, 2), ['file', 'Hülle.gcode'])
})

test('the boundary may be quoted, followed by parameters and by blanks', () => {
  const body = formBody([{ name: 'a', body: 'b' }], 'x y')
  assert.deepEqual(read(body, 3, 'Multipart/Form-Data; charset=utf-8; boundary="x y"; more=1'), [
    ['a', null, 'b'],
  ])
  const padded = Buffer.from(`--b \t\r\ncontent-disposition:form-data;name=a\r\n\r\nb\r\n--b--`)
  assert.deepEqual(read(padded, 1, 'multipart/form-data;boundary=b'), [['a', null, 'b']])
})

test('ambiguous headers are rejected', () => {
  const refused: [Part, RegExp][] = [
    [{ disposition: 'form-data; name="file"; filename="a"; filename="b"' }, /two parameters filename/],
    [
      { disposition: `form-data; name="file"; filename="a"; filename*=utf-8''..%2Fb` },
      /two different file names/,
    ],
    [{ disposition: `form-data; name="file"; filename*=utf-8''%ff` }, /not in UTF-8/],
    [{ disposition: 'form-data; name="root"; NAME="path"' }, /two parameters NAME/],
    [{ disposition: 'form-data; name="file"; filename="a' }, /cannot be read/],
    [{ disposition: 'form-data; name="file" filename="a"' }, /cannot be read/],
    [{ disposition: 'form-data; name="file"; filename="a";;' }, /cannot be read/],
    [{ disposition: 'form-data; filename="a"' }, /has no name/],
    [{ disposition: 'attachment; name="file"; filename="a"' }, /not form-data/],
    [{ name: 'a', headers: ['content-DISPOSITION: form-data; name="file"'] }, /two headers/],
    [{ name: 'a', headers: ['no header'] }, /an invalid header/],
    [{ name: 'a', headers: [' folded'] }, /cannot be read/],
    [{ name: 'a', headers: [`X: ${'x'.repeat(20_000)}`] }, /too long/],
  ]
  for (const [part, message] of refused) assert.throws(() => read(formBody([part])), { status: 400, message })
})

test('an incomplete body is rejected', () => {
  const body = formBody([{ name: 'a', body: 'b' }])
  const end = body.length - 2
  for (let length = 0; length < end; length += 1) {
    assert.throws(() => read(body.subarray(0, length)), { status: 400 }, `the first ${length} bytes`)
  }
  assert.equal(read(body.subarray(0, end)).length, 1)
  assert.throws(() => read(Buffer.from(`--${BOUNDARY}x${body.toString()}`)), {
    status: 400,
    message: /neither a part nor the end/,
  })
  const damaged = body.toString().replace('form', 'Form')
  for (const preamble of ['x'.repeat(20_000), damaged]) {
    const bytes = Buffer.from(`${preamble}\r\n${body.toString()}`)
    for (const size of [bytes.length, 7])
      assert.throws(() => read(bytes, size), { status: 400, message: /does not start/ })
  }
  assert.throws(() => read(Buffer.from(`--${BOUNDARY}\r\n${'x'.repeat(20_000)}`), 1000), {
    message: /too long/,
  })
})

test('other content types are rejected, and the number of parts is limited', () => {
  for (const type of [
    '',
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/mixed; boundary=a',
  ]) {
    assert.throws(() => read(Buffer.alloc(0), 1, type), { status: 400, message: /with a boundary/ })
  }
  const many = Array.from({ length: 51 }, (_, index) => ({ name: `f${index}` }))
  assert.equal(read(formBody(many.slice(1))).length, 50)
  assert.throws(() => read(formBody(many)), { status: 400, message: /more than 50 parts/ })
})
