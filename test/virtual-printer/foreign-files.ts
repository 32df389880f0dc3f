// Small print files as slicers write them for other machines, one for each thing that a strict machine rejects.

/** A file and its expected result. */
export interface ForeignFile {
  readonly gcode: string
  /** The message in the console of the default machine about the skipped command. */
  readonly skips?: RegExp
  /** The message of the error on the strict machine; left out for a file that prints there too. */
  readonly strictError?: RegExp
}

const COLD = /^Extrude below minimum temp/
const NOT_HOMED = /^Must home axis first/
const OUT_OF_RANGE = /^Move out of range/
const LINE = 'G1 X60 Y60 Z0.2 F6000\nG1 X80 Y60 E1 F1500\n'
const HEATED = 'M104 S210\nG28\nM109 S210\n'
const missing = (command: string, message: RegExp, before = ''): ForeignFile => ({
  gcode: `${before}${command}\n${before === '' ? HEATED : ''}${LINE}`,
  skips: message,
  strictError: message,
})

/** By the feature that the strict machine rejects. */
export const FOREIGN_FILES: Readonly<Record<string, ForeignFile>> = {
  'no homing and no heating': { gcode: LINE, strictError: NOT_HOMED },
  'heating by another program': { gcode: `G28\n${LINE}`, strictError: COLD },
  'motors off before the end': {
    gcode: `${HEATED}${LINE}M84\nG1 X10\nM18 X Y E\n${LINE}`,
    strictError: NOT_HOMED,
  },
  'motors off at the end': { gcode: `${HEATED}${LINE}M84 S300\n` },
  'the origin in the centre of the bed': {
    gcode: `${HEATED}G1 X-110 Y-110 Z0.3 F6000\nG1 X110 Y110 E9\n`,
    strictError: OUT_OF_RANGE,
  },
  'a large delta': { gcode: `${HEATED}G1 Z410 F9000\nG1 X-190 Y20\n`, strictError: OUT_OF_RANGE },
  'a large bed': { gcode: `${HEATED}G1 X495 Y498 Z400 F9000\n`, strictError: OUT_OF_RANGE },
  'a hop below the bed': { gcode: `${HEATED}G1 Z-5\n${LINE}`, strictError: OUT_OF_RANGE },
  'a hop above the top': { gcode: `${HEATED}G1 Z249 F900\nG91\nG1 Z15\nG90\n`, strictError: OUT_OF_RANGE },
  'a long purge': {
    gcode: `${HEATED}M83\nG1 E260 F1200\nG1 E-300 F6000\n`,
    strictError: /^Extrude only move too long/,
  },
  'a thick line': {
    gcode: `${HEATED}${LINE}G1 X82 E41 F600\n`,
    strictError: /^Move exceeds maximum extrusion/,
  },
  'high temperatures': {
    gcode: 'M140 S140\nM104 S350\nG28\nM109 S350\n',
    strictError: /^Requested temperature \(140/,
  },
  'a start macro of another machine': {
    gcode: `_BOX_START BED=60 NOZZLE='unbalanced\n${HEATED}SMART_PARK\nLINE_PURGE\n${LINE}`,
    skips: /^Unknown command:"_BOX_START"/,
  },
  'the start macro of the Creality family': {
    gcode: `M82\nM140 S0\nM104 S0\nSTART_PRINT EXTRUDER_TEMP=220 BED_TEMP=50\nT0\n${LINE}G1 X60 E20\nG1 X80 E39\nG1 X60 E58\nEND_PRINT\n`,
  },
  'a variable of a missing macro': missing(
    'SET_GCODE_VARIABLE MACRO=PRINTER_PARAM VARIABLE=fan0_min VALUE=30',
    /^The value 'PRINTER_PARAM' is not valid for MACRO/,
  ),
  'a missing variable': missing(
    'SET_GCODE_VARIABLE MACRO=PAUSE VARIABLE=z_hop VALUE=3',
    /^Unknown gcode_macro variable 'z_hop'/,
  ),
  'a missing pin': missing('SET_PIN PIN=beeper VALUE=1', /^The value 'beeper' is not valid for PIN/),
  'a missing light': missing(
    'SET_LED LED=chamber_led RED=1',
    /^The value 'chamber_led' is not valid for LED/,
  ),
  'a missing heater': missing(
    'SET_HEATER_TEMPERATURE HEATER=chamber TARGET=45',
    /^The value 'chamber' is not valid for HEATER/,
  ),
  'a missing sensor': missing(
    'SET_FILAMENT_SENSOR SENSOR=encoder ENABLE=1',
    /^The value 'encoder' is not valid for SENSOR/,
  ),
  'a second tool': missing('M104 T1 S215', /^Extruder not configured/),
  'a second tool by its name': missing(
    'ACTIVATE_EXTRUDER EXTRUDER=extruder1',
    /^The value 'extruder1' is not valid for EXTRUDER/,
  ),
  'pressure advance of a second tool': missing(
    'SET_PRESSURE_ADVANCE EXTRUDER=extruder1 ADVANCE=0.03',
    /^The value 'extruder1' is not valid for EXTRUDER/,
  ),
  'a state that nothing saved': missing(
    'RESTORE_GCODE_STATE NAME=TOOLCHANGE',
    /^Unknown g-code state: TOOLCHANGE/,
  ),
  'a mesh that nothing saved': missing(
    'BED_MESH_PROFILE LOAD=plate2',
    /^bed_mesh: Unknown profile \[plate2\]/,
  ),
  inches: missing('G20', /^Machine does not support G20/),
  'a file written to the card': missing('M28 cache.gco', /^SD write not supported/),
  'an arc in relative mode': missing('G91\nG2 X10 I5\nG90', /^G2\/G3 does not support relative/, HEATED),
  'a parameter without a value': missing('M221 S; push soft endstop status', /unable to parse ?$/),
  'a speed of 0': missing('G1 X60 Y60 F0', /^Invalid speed in 'G1 X60 Y60 F0'/, HEATED),
  'an arc by its radius': missing('G1 X60 Y60 F6000\nG3 X70 Y60 R5', /^G2\/G3 does not support R/, HEATED),
  'waiting for a chamber that nothing heats': {
    gcode: `TEMPERATURE_WAIT SENSOR="temperature_sensor chamber" MINIMUM=45\n${HEATED}${LINE}`,
    skips: /^Nothing heats temperature_sensor chamber/,
  },
  'waiting for a chamber that is missing': {
    gcode: `TEMPERATURE_WAIT SENSOR="heater_generic chamber" MINIMUM=45\n${HEATED}${LINE}`,
    skips: /^Nothing heats heater_generic chamber/,
    strictError: /^The value 'heater_generic chamber' is not valid for SENSOR/,
  },
  'a machine of Prusa': {
    gcode: `M17\nM862.3 P "MK4"\nM115 U6.0.1+14848\nM555 X85 Y50 W80 H60\nM569 S0 X Y\nG28 XY\nG28 Z\nM109 R170\nG29 P1 X30 Y0 W50 H20 C\nM486 S0\nP0 S1 L2 D0\nTx\nM572 S0.036\n${HEATED}${LINE}M221 S100\nM900 K0\nM84 X Y E\n`,
    skips: /^Unknown command:"M862.3"/,
  },
  'a machine of Bambu': {
    gcode: `M1002 gcode_claim_action : 2\nM1002 set_filament_type:PLA\nM975 S1\nM106 P2 S100\nM109 S25 H140\nG29.2 S0\nM620 S0A\nT1000\nM621 S0A\nM622 J1\nG28 X\nG1 X-48.2 F3000\nG1 Y265 F5000\nM73.2 R1.0\nM400 U1\n${HEATED}${LINE}G17\nG3 Z0.6 I1.217 J0 P1 F30000\nM18 X Y Z\n`,
    skips: /^Unknown command:"M1002"/,
    strictError: OUT_OF_RANGE,
  },
  'a machine with RepRapFirmware': {
    gcode: `M98 P"0:/macros/start.g"\nM291 P"Ready?" S2\nG10 P0 S210 R180\nT0 P0\nM116\n${HEATED}${LINE}G53\nT-1\n`,
    skips: /^Unknown command:"M98"/,
  },
  'a machine of MakerBot': {
    gcode: `(the start)\nM136 (build)\nM132 X Y Z A B\nG162 X Y F2000\nG92 X152 Y75 Z0 A0 B0\nG1 X0 Y0 Z0.3 F3000\nG1 X10 A2.5\n`,
    skips: /^Unknown command:"M136/,
    strictError: NOT_HOMED,
  },
  'a change of filament, firmware retraction, objects': {
    gcode: `EXCLUDE_OBJECT_DEFINE NAME=cube CENTER=70,60 POLYGON=[[60,60],[80,60],[80,70]]\n${HEATED}EXCLUDE_OBJECT_START NAME=cube\n${LINE}G10\nG11\nEXCLUDE_OBJECT_END NAME=cube\nM600\nT1\n${LINE}`,
    skips: /^Unknown command:"M600"/,
  },
}
