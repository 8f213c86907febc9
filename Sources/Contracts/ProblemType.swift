/// The problem types (RFC 9457 section 3.1.1) that one service tells another by, as relative URIs.
public enum ProblemType {
    /// Some line cannot be reserved in full; member `short` lists them.
    public static let outOfStock = "/problems/out-of-stock"
    /// The reservation was released before it was asked for; it can never be held again.
    public static let reservationReleased = "/problems/reservation-released"
    /// The same order was reserved with other lines.
    public static let reservationMismatch = "/problems/reservation-mismatch"
    /// A line names a product that is not in the catalog.
    public static let unknownProduct = "/problems/unknown-product"
    /// The provider declined the card; member `decline_code` says why.
    public static let cardDeclined = "/problems/card-declined"
    /// The payment was voided before it was charged; it can never be charged again.
    public static let paymentVoided = "/problems/payment-voided"
    /// The same order was charged with another amount, customer or card.
    public static let paymentMismatch = "/problems/payment-mismatch"
    /// The provider does not know the payment method.
    public static let unknownPaymentMethod = "/problems/unknown-payment-method"
}
