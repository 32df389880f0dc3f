// The smallest thing that is a JPEG picture by its structure: no program could show it.

/** Segments with their lengths, the pixels, and the end. `note` makes pictures different. */
export function jpeg(note = '', pixels = 200): Buffer {
  const comment = Buffer.from(note)
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xfe, comment),
    // 8 bits, 48 lines of 64 pixels, one component.
    segment(0xc0, Buffer.from([8, 0, 48, 0, 64, 1, 1, 0x11, 0])),
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    // A coded 0xff, and a restart marker.
    Buffer.from([0xff, 0x00, 0xff, 0xd0]),
    Buffer.alloc(pixels, 0x5a),
    Buffer.from([0xff, 0xd9]),
  ])
}

/** A picture with a preview in it, which has an end of its own. */
export function jpegWithPreview(): Buffer {
  const whole = jpeg('outer')
  return Buffer.concat([whole.subarray(0, 2), segment(0xe1, jpeg('preview')), whole.subarray(2)])
}

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}
