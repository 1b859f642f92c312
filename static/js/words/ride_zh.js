// 中文：配送员页面。

export const RIDE_ZH = {
  "ride.state_assigned": "待应答",
  "ride.state_accepted": "已接单",
  "ride.state_pickup_confirmed": "已确认取餐",
  "ride.state_en_route_to_pickup": "前往取餐",
  "ride.state_arrived_at_pickup": "已到店",
  "ride.state_picked_up": "已取餐",
  "ride.state_en_route_to_dropoff": "前往送达",
  "ride.state_arrived_at_dropoff": "已到达客户处",
  "ride.state_delivered": "已送达",
  "ride.state_en_route_to_return": "退回途中",
  "ride.state_arrived_at_return": "已回到商户",
  "ride.state_returned": "已退回",
  "ride.state_declined": "已拒绝",
  "ride.state_lapsed": "超时未应答",
  "ride.state_withdrawn": "已撤回",
};
