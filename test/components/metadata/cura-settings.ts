// What CuraEngine 4 wants to know before it slices. It has no defaults of its own and stops at the first setting it misses.

/** Settings that many share a value of, as `[value, names]`. */
const SHARED = [
  [
    '0',
    `
      adaptive_layer_height_enabled adhesion_extruder_nr alternate_extra_perimeter anti_overhang_mesh
      bottom_skin_expand_distance bottom_skin_preshrink bridge_settings_enabled bridge_wall_coast
      bridge_wall_min_length carve_multiple_volumes center_object clean_between_layers coasting_enable
      conical_overhang_enabled connect_infill_polygons connect_skin_polygons cool_fan_enabled
      cool_lift_head cool_min_layer_time cutting_mesh draft_shield_enabled fill_outline_gaps
      filter_out_tiny_gaps flow_rate_extrusion_offset_factor flow_rate_max_extrusion_offset
      gradual_infill_steps gradual_support_infill_steps hole_xy_offset infill_before_walls
      infill_enable_travel_optimization infill_extruder_nr infill_mesh infill_mesh_order infill_offset_x
      infill_offset_y infill_overlap_mm infill_randomize_start_location infill_support_enabled
      infill_wall_line_count infill_wipe_dist ironing_enabled ironing_only_highest_layer layer_start_x
      layer_start_y machine_always_write_active_tool machine_buildplate_type machine_center_is_zero
      machine_extruder_cooling_fan_number machine_extruders_share_heater machine_extruders_share_nozzle
      machine_firmware_retract machine_heated_build_volume machine_minimum_feedrate
      machine_use_extruder_offset_to_offset_coords magic_fuzzy_skin_enabled magic_spiralize
      max_extrusion_before_wipe mesh_position_x mesh_position_y mesh_position_z
      meshfix_extensive_stitching meshfix_keep_open_polygons meshfix_union_all
      meshfix_union_all_remove_holes min_infill_area min_skin_width_for_expansion minimum_support_area
      mold_enabled ooze_shield_enabled optimize_wall_printing_order outer_inset_first prime_tower_enable
      raft_base_thickness raft_interface_thickness raft_surface_thickness relative_extrusion
      remove_empty_first_layers retract_at_layer_change retraction_extra_prime_amount retraction_hop
      retraction_hop_after_extruder_switch_height retraction_hop_enabled retraction_min_travel
      roofing_extruder_nr roofing_layer_count roofing_monotonic skin_edge_support_layers skin_monotonic
      skin_no_small_gaps_heuristic skin_outline_count skin_overlap_mm small_feature_max_length
      speed_equalize_flow_enabled support_bottom_enable support_bottom_extruder_nr support_bottom_height
      support_brim_enable support_enable support_extruder_nr_layer_0 support_infill_extruder_nr
      support_mesh support_roof_enable support_roof_extruder_nr support_roof_height support_top_distance
      support_tree_angle support_wall_count support_xy_distance support_xy_distance_overhang
      support_xy_overrides_z switch_extruder_retraction_amount top_bottom_extruder_nr
      top_skin_expand_distance top_skin_preshrink travel_avoid_other_parts
      travel_compensate_overlapping_walls_0_enabled travel_compensate_overlapping_walls_x_enabled
      travel_retract_before_outer_wall wall_0_extruder_nr wall_0_inset wall_0_wipe_dist
      wall_min_flow_retract wall_overhang_angle wall_x_extruder_nr wipe_brush_pos_x wipe_hop_amount
      wipe_hop_enable wipe_move_distance wipe_pause wipe_repeat_count wipe_retraction_amount
      wipe_retraction_enable wipe_retraction_extra_prime_amount wireframe_enabled xy_offset
      xy_offset_layer_0 z_seam_relative z_seam_x z_seam_y zig_zaggify_infill
    `,
  ],
  [
    '0.4',
    `
      infill_line_width prime_tower_line_width raft_base_line_width raft_interface_line_width
      raft_surface_line_width roofing_line_width skin_line_width skirt_brim_line_width
      support_bottom_line_width support_line_width support_roof_line_width wall_line_width_0
      wall_line_width_x
    `,
  ],
  [
    '1',
    `
      cool_fan_full_layer cool_min_layer_time_fan_speed_max extruders_enabled_count
      gradual_infill_step_height gradual_support_infill_step_height infill_multiplier
      machine_extruder_count minimum_polygon_circumference retraction_amount retraction_extrusion_window
    `,
  ],
  [
    '10',
    `
      jerk_enabled jerk_infill jerk_ironing jerk_prime_tower jerk_print_layer_0 jerk_roofing
      jerk_skirt_brim jerk_support_bottom jerk_support_infill jerk_support_roof jerk_topbottom
      jerk_travel jerk_travel_layer_0 jerk_wall_0 jerk_wall_x machine_max_jerk_e machine_max_jerk_xy
      machine_max_jerk_z raft_base_jerk raft_interface_jerk raft_surface_jerk
    `,
  ],
  [
    '100',
    `
      bridge_skin_density bridge_skin_material_flow bridge_skin_material_flow_2
      bridge_skin_material_flow_3 bridge_sparse_infill_max_density bridge_wall_material_flow
      infill_material_flow initial_layer_line_width_factor ironing_flow
      material_flow_dependent_temperature material_flow_layer_0 material_flow_temp_graph
      material_shrinkage_percentage prime_tower_flow roofing_material_flow skin_material_flow
      skirt_brim_material_flow small_feature_speed_factor support_bottom_material_flow
      support_material_flow support_roof_material_flow wall_0_material_flow wall_min_flow
      wall_overhang_speed_factor wall_x_material_flow
    `,
  ],
  [
    '1000',
    `
      acceleration_infill acceleration_ironing acceleration_prime_tower acceleration_print_layer_0
      acceleration_roofing acceleration_skirt_brim acceleration_support_bottom
      acceleration_support_infill acceleration_support_roof acceleration_topbottom acceleration_travel
      acceleration_travel_layer_0 acceleration_wall_0 acceleration_wall_x machine_acceleration
      machine_max_acceleration_e machine_max_acceleration_x machine_max_acceleration_y
      machine_max_acceleration_z machine_max_feedrate_e machine_max_feedrate_x machine_max_feedrate_y
      machine_max_feedrate_z raft_base_acceleration raft_interface_acceleration
      raft_surface_acceleration
    `,
  ],
  [
    '50',
    `
      bridge_fan_speed bridge_fan_speed_2 bridge_fan_speed_3 bridge_skin_speed bridge_skin_speed_2
      bridge_skin_speed_3 bridge_wall_speed cool_fan_speed_0 cool_fan_speed_max cool_fan_speed_min
      cool_min_speed machine_nozzle_cool_down_speed material_extrusion_cool_down_speed raft_base_speed
      raft_interface_speed raft_surface_speed retraction_prime_speed retraction_retract_speed
      skirt_brim_speed small_feature_speed_factor_0 speed_infill speed_ironing speed_prime_tower
      speed_print_layer_0 speed_roofing speed_slowdown_layers speed_support_bottom speed_support_infill
      speed_support_roof speed_topbottom speed_travel speed_travel_layer_0 speed_wall_0 speed_wall_x
      speed_z_hop switch_extruder_prime_speed switch_extruder_retraction_speed wipe_hop_speed
      wipe_retraction_prime_speed wipe_retraction_retract_speed
    `,
  ],
  [
    '[]',
    `
      infill_angles roofing_angles skin_angles support_bottom_angles support_infill_angles
      support_roof_angles
    `,
  ],
  [
    'lines',
    `
      roofing_pattern support_bottom_pattern support_pattern support_roof_pattern top_bottom_pattern
      top_bottom_pattern_0
    `,
  ],
  [
    'true',
    `
      machine_heated_bed machine_nozzle_temp_enabled material_bed_temp_prepend material_bed_temp_wait
      material_print_temp_prepend material_print_temp_wait retraction_enable
    `,
  ],
] as const

const SINGLE = {
  acceleration_enabled: 'false',
  adhesion_type: 'none',
  bottom_layers: '4',
  cross_infill_pocket_size: '2',
  fill_perimeter_gaps: 'nowhere',
  infill_line_distance: '4',
  infill_pattern: 'grid',
  infill_sparse_thickness: '0.2',
  initial_bottom_layers: '4',
  machine_depth: '200',
  machine_end_gcode: 'M104 S0',
  machine_extruder_start_code: '',
  machine_gcode_flavor: 'RepRap (Marlin/Sprinter)',
  machine_height: '200',
  machine_name: 'test',
  machine_shape: 'rectangular',
  machine_start_gcode: 'G28',
  machine_width: '200',
  magic_mesh_surface_mode: 'normal',
  material_guid: '',
  material_initial_print_temperature: '205',
  mesh_rotation_matrix: '[[1,0,0],[0,1,0],[0,0,1]]',
  meshfix_maximum_deviation: '0.025',
  meshfix_maximum_resolution: '0.5',
  retraction_combing: 'off',
  retraction_count_max: '90',
  slicing_tolerance: 'middle',
  support_infill_sparse_thickness: '0.2',
  support_structure: 'normal',
  support_tree_collision_resolution: '0.2',
  top_layers: '4',
  wall_line_count: '2',
  z_seam_corner: 'z_seam_corner_none',
  z_seam_type: 'shortest',
}

/** A definition file of a machine with one extruder that prints walls, skin and a grid, without supports; `extra` goes last. */
export function curaDefinition(extra: Readonly<Record<string, string>>): string {
  const shared = SHARED.flatMap(([value, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map(name => [name, value] as const),
  )
  const values = { ...Object.fromEntries(shared), ...SINGLE, ...extra }
  const settings = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { default_value: value }]),
  )
  return JSON.stringify({ version: 2, name: 'test', metadata: {}, settings })
}
