// English of the courier's page.

export const RIDE_EN = {
  "ride.state_assigned": "offered",
  "ride.state_accepted": "taken",
  "ride.state_pickup_confirmed": "pickup confirmed",
  "ride.state_en_route_to_pickup": "on the way to the merchant",
  "ride.state_arrived_at_pickup": "at the merchant",
  "ride.state_picked_up": "has the bag",
  "ride.state_en_route_to_dropoff": "on the way to the customer",
  "ride.state_arrived_at_dropoff": "at the customer",
  "ride.state_delivered": "delivered",
  "ride.state_en_route_to_return": "bringing it back",
  "ride.state_arrived_at_return": "back at the merchant",
  "ride.state_returned": "returned",
  "ride.state_declined": "declined",
  "ride.state_lapsed": "not answered in time",
  "ride.state_withdrawn": "withdrawn",
};
